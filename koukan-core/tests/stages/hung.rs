//! Destinations that hang delay no others.

use std::time::Duration;

use koukan_core::{
    reply::Reply,
    storage::record::{Due, Status, Work},
};

use crate::{
    agent::Agent,
    queued::{Log, queued, upstream},
};

#[tokio::test(start_paused = true)]
async fn what_hangs_leaves_the_room_that_is_left_to_others() {
    let (begun, delivered) = (Log::default(), Log::default());
    let agent = Agent::over(upstream(begun.clone(), delivered.clone())).await;
    let now = agent.clock.now();
    // The dispatcher has room for eight.
    for number in 0..7 {
        let hung = format!("hung{number}@y{number}");
        let hung = queued(&hung, now - Duration::from_secs(9));
        agent.storage.backend().insert(hung).await.unwrap();
    }
    for number in 0..5 {
        let slow = queued(&format!("slow{number}@z"), now);
        agent.storage.backend().insert(slow).await.unwrap();
    }
    let _dispatching = agent.dispatch();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(begun.count("hung"), 7);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(delivered.count("slow"), 5, "{:?}", begun.all());
}

/// Due transactions for a hanging destination are passed over, however many there are.
#[tokio::test(start_paused = true)]
async fn a_destination_that_hangs_has_half_of_the_room_at_most() {
    for hung in [1, 3] {
        let (begun, delivered) = (Log::default(), Log::default());
        let agent = Agent::over(upstream(begun.clone(), delivered.clone())).await;
        let now = agent.clock.now();
        for number in 0..5000 {
            let to = format!("hung@dead{}", number % hung);
            let message = queued(&to, now - Duration::from_secs(9));
            agent.storage.backend().insert(message).await.unwrap();
        }
        let alive = [
            ("bob@alive", 0),
            ("carol@alive", 10),
            ("dave@elsewhere", 600),
        ];
        for (to, wait) in alive {
            let message = queued(to, now + Duration::from_secs(wait));
            agent.storage.backend().insert(message).await.unwrap();
        }
        let _dispatching = agent.dispatch();
        for (to, wait) in alive {
            let due = now + Duration::from_secs(wait + 1);
            let until_due = Duration::try_from(due - agent.clock.now()).unwrap();
            tokio::time::sleep(until_due).await;
            let last = delivered.all().pop();
            assert_eq!(last.as_deref(), Some(to), "{hung}: {:?}", begun.all());
        }
        // Of eight places, and each had more due than all of them.
        assert!(begun.count("hung") < 8);
    }
}

/// A destination that has used its share goes on as soon as one of its attempts ends.
#[tokio::test(start_paused = true)]
async fn a_destination_that_is_alone_gets_all_there_is() {
    let (begun, delivered) = (Log::default(), Log::default());
    let agent = Agent::over(upstream(begun, delivered.clone())).await;
    let now = agent.clock.now();
    for number in 0..100 {
        let slow = queued(&format!("slow{number}@z"), now);
        agent.storage.backend().insert(slow).await.unwrap();
    }
    let _dispatching = agent.dispatch();
    // Each takes a second, and at least four of eight places are theirs.
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(delivered.count("slow"), 100);
}

/// Work other than attempts waits for no destination.
#[tokio::test(start_paused = true)]
async fn notifications_about_a_destination_that_hangs_are_made() {
    let (begun, delivered) = (Log::default(), Log::default());
    let agent = Agent::over(upstream(begun.clone(), delivered.clone())).await;
    let now = agent.clock.now();
    for number in 0..100 {
        let to = format!("hung{number}@y");
        let message = queued(&to, now - Duration::from_secs(9));
        agent.storage.backend().insert(message).await.unwrap();
    }
    let mut failed = queued("bob@y", now);
    failed.recipients[0].settled = Some(Reply::no_such_user());
    failed.status = Status::Due(Due {
        at: now,
        work: Work::Notify,
    });
    agent.storage.backend().insert(failed).await.unwrap();
    let _dispatching = agent.dispatch();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(delivered.all(), ["a@x"], "{:?}", begun.all());
}
