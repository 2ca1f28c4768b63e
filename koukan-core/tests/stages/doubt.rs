//! Commits for which the backend cannot say whether they were written.

use std::{sync::atomic::Ordering, time::Duration};

use koukan_core::{
    reply::Reply,
    stage::exploder::ReplyPolicy,
    test_util::{Answer, Script, mail, rcpt, send},
};
use rstest::rstest;
use tokio::time::sleep;

use crate::{
    agent::{Agent, turns},
    failing::Failing,
    queued::{MESSAGE, queued},
};

/// The client is told that its message was not kept, and sends it again: it arrives once. The row is due
/// long before the backend answers whether it exists.
#[rstest]
#[case::one_that_upstream_has_put_off(1, Script::new().mail(Answer::Return(Reply::mailbox_busy())))]
#[case::several(5, Script::new().mail(Answer::Return(Reply::mailbox_busy())))]
#[case::one_that_upstream_has_not_answered(1, Script::new().other_rcpts(Answer::Never))]
#[case::several_of_those(3, Script::new().other_rcpts(Answer::Never))]
#[tokio::test(start_paused = true)]
async fn what_was_written_and_told_to_have_failed_is_cancelled(
    #[case] count: usize,
    #[case] first: Script,
) {
    let backend = Failing::default();
    let up = Script::new();
    let scripts = std::iter::repeat_n(first, count).chain([up.clone()]);
    let agent = Agent::on(backend.clone(), turns(scripts)).await;
    // Another transaction is due while that is unknown: the queue is scanned.
    let other = queued("other@y", agent.clock.now() + Duration::from_secs(100));
    agent.storage.backend().insert(other).await.unwrap();
    let dispatching = agent.dispatch();
    let to: Vec<_> = (0..count)
        .map(|number| rcpt(&format!("b{number}@y")))
        .collect();
    backend.unanswered_inserts.store(1, Ordering::Relaxed);
    backend.failed_finds.store(20, Ordering::Relaxed);
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), to.clone(), MESSAGE).await;
    assert!(!outcome.is_delivered(), "{outcome:?}");
    sleep(Duration::from_secs(1000)).await;
    assert_eq!(up.received().len(), 1, "{:?}", up.received());
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), to, MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    sleep(Duration::from_secs(7200)).await;
    assert_eq!(up.received().len(), 1 + count);
    dispatching.stop().await;
    let census = agent.census().await;
    assert_eq!((census.waiting, census.leased), (0, 0));
}

/// A transaction that is leased while it is still being committed is given to nobody before the
/// commit is over.
#[tokio::test(start_paused = true)]
async fn what_was_written_and_whose_answer_is_late_is_delivered() {
    let backend = Failing::default();
    let up = Script::new();
    let busy = Script::new().mail(Answer::Return(Reply::mailbox_busy()));
    let agent = Agent::on(backend.clone(), turns([busy, up.clone()])).await;
    let dispatching = agent.dispatch();
    backend.unanswered_inserts.store(1, Ordering::Relaxed);
    backend.slow_finds.store(1, Ordering::Relaxed);
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    sleep(Duration::from_secs(300)).await;
    assert_eq!(up.received().len(), 1);
    dispatching.stop().await;
    let census = agent.census().await;
    assert_eq!((census.waiting, census.leased), (0, 0));
}
