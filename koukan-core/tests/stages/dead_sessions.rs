//! What a session has under way when it is dead, or has ended itself.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use koukan_core::{
    context::{Context, Sender},
    stage::exploder::Policy,
    storage::{MemoryBackend, record::Terms},
    test_util::{ManualClock, Script, mail, rcpt, send},
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

/// Whoever waits for the message of a draft waits no longer, whatever becomes of the attempt.
#[tokio::test(start_paused = true)]
async fn a_draft_whose_message_has_come_is_none_while_it_is_attempted() {
    let agent = Agent::over(Script::new()).await;
    let context = Arc::new(Context::new(Sender::new("app")));
    let begun = agent.storage.begin(context, mail("a@x"));
    let (recorder, lease) = begun.unwrap();
    recorder.rcpt(rcpt("b@y"));
    recorder.finish_recipients();
    let until = agent.clock.now() + Duration::from_secs(3600);
    let terms = Terms::default();
    recorder.commit_draft(terms, None, until).await.unwrap();
    assert!(recorder.watch().snapshot().is_draft);
    let (mut writer, blob) = recorder.account().create();
    recorder.body(Vec::new(), blob);
    writer.append("\r\n\r\n".into()).await.unwrap();
    writer.finish();
    recorder.commit(terms, None).await.unwrap();
    let snapshot = recorder.watch().snapshot();
    assert!(!snapshot.is_draft && snapshot.is_active);
    drop(lease);
}
