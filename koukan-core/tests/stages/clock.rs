//! A wall clock that is set back.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use koukan_core::{
    clock::Clock,
    reply::Reply,
    stage::exploder::ReplyPolicy,
    storage::MemoryBackend,
    test_util::{Answer, Script, TokioClock, mail, rcpt, send},
};

use crate::agent::{Agent, turns};

/// A clock that follows tokio's, and can be set.
#[derive(Debug)]
struct Set {
    clock: TokioClock,
    by: Mutex<SignedDuration>,
}

impl Set {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            clock: TokioClock::default(),
            by: Mutex::default(),
        })
    }

    fn set_by(&self, hours: i64) {
        *self.by.lock().unwrap() += SignedDuration::from_hours(hours);
    }
}

impl Clock for Set {
    fn now(&self) -> Timestamp {
        self.clock.now() + *self.by.lock().unwrap()
    }
}

async fn delivered_after_seconds(steps: &[(u64, i64)]) -> i64 {
    let clock = Set::new();
    let down = Script::new().mail(Answer::Return(Reply::connection_failed()));
    let up = Script::new();
    let upstream = turns([down, up.clone()]);
    let agent = Agent::with_clock(MemoryBackend::new(), upstream, clock.clone()).await;
    let _dispatching = agent.dispatch();
    let start = clock.clock.now();
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], "\r\nhello\r\n").await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    for (after, hours) in steps {
        tokio::time::sleep(Duration::from_secs(*after)).await;
        clock.set_by(*hours);
    }
    while up.received().is_empty() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    clock.clock.now().duration_since(start).as_secs()
}

#[tokio::test(start_paused = true)]
async fn what_is_due_is_not_kept_for_as_long_as_it_was_set_back() {
    // The second attempt is due after 60 to 90 s.
    for steps in [
        &[][..],
        &[(5, -1)],
        &[(5, -24 * 365)],
        &[(5, -1), (5, -1)],
        &[(5, 1), (5, -1)],
    ] {
        let seconds = delivered_after_seconds(steps).await;
        assert!((10..=100).contains(&seconds), "{steps:?}: {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn nor_by_the_next_process() {
    let backend = MemoryBackend::new();
    let down = Script::new().mail(Answer::Return(Reply::connection_failed()));
    let agent = Agent::on(backend.another_process(), down).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], "\r\nhello\r\n").await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    let now = agent.clock.now();
    drop(agent);

    let up = Script::new();
    let clock = TokioClock::starting_at(now - SignedDuration::from_hours(24 * 30));
    let agent = Agent::with_clock(backend.another_process(), up.clone(), Arc::new(clock)).await;
    let _dispatching = agent.dispatch();
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(up.received().len(), 1);
}
