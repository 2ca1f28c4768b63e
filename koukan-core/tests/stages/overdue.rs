//! What becomes of mail whose time is over while its destination is suspended, or while it is held.

use std::{sync::atomic::Ordering, time::Duration};

use koukan_core::{
    reply::Reply,
    stage::{
        dispatcher::Dispatcher,
        output_handler::{AttemptService, RetryPolicy},
    },
    storage::record::{Change, FinalReason, QueueAction, Status, TransactionId},
    test_util::Script,
};
use tokio::{sync::oneshot, time::sleep};

use crate::{
    agent::{Agent, RETRY},
    failing::Failing,
    queued::queued,
    told_together::{told_of, upstream},
};

const SECOND: Duration = Duration::from_secs(1);

async fn queue(agent: &Agent, to: &str) -> TransactionId {
    let message = queued(to, agent.clock.now());
    let id = message.id;
    agent.storage.backend().insert(message).await.unwrap();
    id
}

/// Dispatches for so long.
async fn dispatch(agent: &Agent, time: Duration) {
    let dispatcher = Dispatcher::new(agent.storage.clone(), agent.output.clone(), 8);
    run(dispatcher.with_shortest_deadline(RETRY.deadline), time).await;
}

async fn run(dispatcher: Dispatcher<impl AttemptService>, time: Duration) {
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(dispatcher.run(async { stopped.await.unwrap_or_default() }));
    sleep(time).await;
    stop.send(()).unwrap();
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_suspended_until_its_time_is_over_is_returned_with_the_reason() {
    let up = Script::new();
    let busy = Script::new().message(Reply::mailbox_busy());
    let agent = Agent::over(upstream(busy.clone(), &up)).await;
    let (tried, held) = (
        queue(&agent, "a@near.example").await,
        queue(&agent, "held@near.example").await,
    );
    dispatch(&agent, SECOND).await;
    let hold = Change {
        ids: vec![held],
        action: QueueAction::Hold,
        now: agent.clock.now(),
        is_dry: false,
    };
    agent.storage.backend().change(hold).await.unwrap();
    agent.storage.suspend("near.example", "olga").await.unwrap();
    // Its time begins later.
    sleep(1000 * SECOND).await;
    let young = queue(&agent, "young@near.example").await;
    let calls = busy.received().len();
    dispatch(&agent, RETRY.deadline - 1010 * SECOND).await;
    assert!(up.received().is_empty(), "its time is not over");
    dispatch(&agent, 400 * SECOND).await;
    assert_eq!(busy.received().len(), calls, "nothing is attempted");
    let told = up.only_received();
    assert_eq!(told_of(&told), ["a@near.example"]);
    let words: Vec<_> = told.text().split_whitespace().collect();
    let words = words.join(" ");
    for said in [
        "was suspended by the operator until its time was over",
        "the last reply was: 450 4.2.1",
        "Action: failed",
    ] {
        assert!(words.contains(said), "{said:?} in {words}");
    }
    let find = async |id| agent.storage.backend().find(id).await.unwrap().unwrap();
    assert_eq!(
        find(tried).await.status,
        Status::Final(FinalReason::Expired)
    );
    // What an operator holds stays, however long.
    assert!(find(held).await.held.is_some());
    let young = find(young).await;
    assert_eq!((young.attempt_count, young.status.is_final()), (0, false));
    dispatch(&agent, 10 * RETRY.deadline).await;
    assert_eq!(up.received().len(), 2, "the other one as well");
    assert!(!find(held).await.status.is_final());
}

/// As it is without an operator.
#[tokio::test(start_paused = true)]
async fn what_is_resumed_before_its_time_is_over_is_attempted() {
    let up = Script::new();
    let taking = Script::new();
    let agent = Agent::over(upstream(taking.clone(), &up)).await;
    queue(&agent, "a@near.example").await;
    agent.storage.suspend("near.example", "olga").await.unwrap();
    dispatch(&agent, RETRY.deadline - 10 * SECOND).await;
    assert!(taking.received().is_empty());
    agent
        .storage
        .resume_destination("near.example")
        .await
        .unwrap();
    dispatch(&agent, SECOND).await;
    assert_eq!(taking.only_received().recipient_texts(), ["a@near.example"]);
    assert!(up.received().is_empty());
}

/// However much waits there for which there is time, as often as one looks.
#[tokio::test(start_paused = true)]
async fn nothing_is_leased_but_what_is_over() {
    let (up, backend) = (Script::new(), Failing::default());
    let agent = Agent::on(backend.clone(), upstream(Script::new(), &up)).await;
    for host in ["near.example", "far.example"] {
        agent.storage.suspend(host, "olga").await.unwrap();
    }
    for _ in 0..250 {
        queue(&agent, "a@far.example").await;
    }
    queue(&agent, "a@near.example").await;
    let soon = RETRY.deadline / 10;
    let rules = move |domain: &str, general: RetryPolicy| match domain {
        "near.example" => general.with_deadline(soon),
        _ => general,
    };
    let output = agent.output.clone().with_retry_rules(rules);
    let deadlines = output.clone();
    let dispatcher = Dispatcher::new(agent.storage.clone(), output, 8)
        .with_shortest_deadline(soon)
        .with_deadlines(move |transaction| deadlines.deadline(transaction));
    let leases = || backend.leases.load(Ordering::Relaxed);
    run(dispatcher.clone(), RETRY.deadline - SECOND).await;
    assert_eq!(told_of(&up.only_received()), ["a@near.example"]);
    assert_eq!(leases(), 1);
    run(dispatcher, 200 * SECOND).await;
    assert_eq!((up.received().len(), leases()), (251, 251));
}
