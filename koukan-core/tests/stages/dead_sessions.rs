//! The work under way of a session that is dead, or has ended itself.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use koukan_core::{
    context::{Context, Sender},
    stage::exploder::ReplyPolicy,
    storage::{MemoryBackend, Records, Sessions, record::Terms},
    test_util::{Answer, ManualClock, Script, mail, rcpt, send},
};

use crate::{
    agent::Agent,
    failing::Failing,
    replicas::{Conduct, TERM, Times, replica, seconds, store},
};

/// The answer to a commit arrives when the session that made it is dead and the next one is about to begin: others
/// have the committed transactions, or may have them.
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
    let front = agent.exploder(ReplyPolicy::Submission);
    let sending = tokio::spawn(send(front, mail("a@x"), [rcpt("b@y")], "\r\n\r\n"));
    // The client waits for upstream's answer, and then for the commit.
    seconds(11).await;
    assert_eq!(backend.gated_inserts.load(Ordering::Relaxed), 0);
    assert_eq!(times.all(), ["begun"]);
    backend.gated_sessions.store(1, Ordering::Relaxed);
    clock.advance(TERM);
    seconds(1).await;
    assert_eq!(backend.gated_sessions.load(Ordering::Relaxed), 0);
    // Both answers arrive in the same moment.
    backend.gate.notify_waiters();
    assert!(sending.await.unwrap().is_delivered());
    seconds(1).await;
    assert_ne!(agent.storage.session(), first);
    assert_eq!(times.all(), ["begun", "given up"]);
}

/// It is unknown whether it was committed, its client is told that it was not, and the session that had the
/// lease dies: another process has it when that is found out.
#[tokio::test(start_paused = true)]
async fn what_a_dead_session_may_have_committed_is_given_up_by_whoever_has_it() {
    let (store, [times, others]) = (store(), [Times::new(), Times::new()]);
    let backend = Failing {
        inner: store.clone(),
        ..Failing::default()
    };
    let upstream = times.upstream(Conduct::HangsAtEnd);
    let agent = Agent::on(backend.clone(), upstream).await;
    backend.unanswered_inserts.store(1, Ordering::Relaxed);
    backend.failed_finds.store(20, Ordering::Relaxed);
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], "\r\n\r\n").await;
    assert!(!outcome.is_delivered(), "{outcome:?}");
    assert_eq!(store.census().await.unwrap().leased, 1);
    let session = agent.storage.session();
    store.end_session(session).await.unwrap();
    let other = replica(&store, others.upstream(Conduct::HangsAtRcpt)).await;
    let _dispatching = other.dispatch();
    seconds(120).await;
    assert_eq!(others.all(), ["begun"]);
    assert_ne!(backend.failed_finds.load(Ordering::Relaxed), 0);
    seconds(1000).await;
    assert_eq!(others.all(), ["begun", "given up"]);
    assert_eq!(store.census().await.unwrap().waiting, 0);
}

/// The same for transactions that are not leased when they are committed.
#[tokio::test(start_paused = true)]
async fn what_may_be_committed_is_given_up_by_whoever_has_it() {
    let (store, times) = (store(), Times::new());
    let backend = Failing {
        inner: store.clone(),
        ..Failing::default()
    };
    let upstream = Script::new().other_rcpts(Answer::Never);
    let agent = Agent::on(backend.clone(), upstream).await;
    backend.unanswered_inserts.store(1, Ordering::Relaxed);
    backend.failed_finds.store(20, Ordering::Relaxed);
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], "\r\n\r\n").await;
    assert!(!outcome.is_delivered(), "{outcome:?}");
    let other = replica(&store, times.upstream(Conduct::HangsAtRcpt)).await;
    let _dispatching = other.dispatch();
    seconds(120).await;
    assert_eq!(times.all(), ["begun"]);
    assert_ne!(backend.failed_finds.load(Ordering::Relaxed), 0);
    seconds(1000).await;
    assert_eq!(times.all(), ["begun", "given up"]);
    assert_eq!(store.census().await.unwrap().waiting, 0);
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

/// Requests that wait for the message of a draft stop waiting, whatever happens to the attempt.
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
