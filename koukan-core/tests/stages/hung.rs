//! Destinations that hang hold up nobody else.

use std::time::Duration;

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
        let hung = queued(&format!("hung{number}@y"), now - Duration::from_secs(9));
        agent.storage.backend().insert(hung).await.unwrap();
    }
    for number in 0..5 {
        let slow = queued(&format!("slow{number}@y"), now);
        agent.storage.backend().insert(slow).await.unwrap();
    }
    let _dispatching = agent.dispatch();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(begun.count("hung"), 7);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(delivered.count("slow"), 5, "{:?}", begun.all());
}
