//! What a session has under way when it is dead, or has ended itself.

use std::sync::{Arc, atomic::Ordering};

use koukan_core::{
    stage::exploder::Policy,
    storage::MemoryBackend,
    test_util::{ManualClock, mail, rcpt, send},
};

use crate::{
    agent::Agent,
    failing::Failing,
    replicas::{Conduct, TERM, Times, seconds, store},
};

/// The answer to a commit comes when the session that made it is dead, and the next is about to begin: others have
/// what was committed, or may.
#[tokio::test(start_paused = true)]
async fn what_a_dead_session_has_committed_is_given_up() {
    let (times, clock) = (Times::new(), ManualClock::default());
    let backend = Failing {
        inner: MemoryBackend::new().with_session_term(TERM, Arc::new(clock.clone())),
        ..Failing::default()
    };
    let upstream = times.upstream(Conduct::HangsAtEnd);
    let agent = Agent::on(backend.clone(), upstream).await;
    let first = agent.storage.session();
    backend.gated_inserts.store(1, Ordering::Relaxed);
    let front = agent.exploder(Policy::Submission);
    let sending = tokio::spawn(send(front, mail("a@x"), [rcpt("b@y")], "\r\n\r\n"));
    // The client waits for upstream's answer, and then for the commit.
    seconds(11).await;
    assert_eq!(backend.gated_inserts.load(Ordering::Relaxed), 0);
    assert_eq!(times.all(), ["begun"]);
    backend.gated_sessions.store(1, Ordering::Relaxed);
    clock.advance(TERM);
    seconds(1).await;
    assert_eq!(backend.gated_sessions.load(Ordering::Relaxed), 0);
    // Both are heard in the same moment.
    backend.gate.notify_waiters();
    assert!(sending.await.unwrap().is_delivered());
    seconds(1).await;
    assert_ne!(agent.storage.session(), first);
    assert_eq!(times.all(), ["begun", "given up"]);
}

/// Its last refresh is under way when it leaves.
#[tokio::test(start_paused = true)]
async fn who_has_left_does_not_come_back() {
    let backend = Failing {
        inner: store(),
        ..Failing::default()
    };
    let agent = Agent::on(backend.clone(), Times::new().upstream(Conduct::Takes)).await;
    let session = agent.storage.session();
    backend.gated_refreshes.store(1, Ordering::Relaxed);
    seconds(1).await;
    assert_eq!(backend.gated_refreshes.load(Ordering::Relaxed), 0);
    agent.storage.leave().await.unwrap();
    backend.gate.notify_waiters();
    seconds(1).await;
    assert_eq!(agent.storage.session(), session);
}
