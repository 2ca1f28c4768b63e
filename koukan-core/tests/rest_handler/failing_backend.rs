//! Requests while the backend is slow or fails.

use std::{sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use koukan_core::{
    body::Body,
    reply::Reply,
    resource::{Location, Operation, RefusalKind, ResourceResponse, View},
    stage::rest_handler::RestHandlerSettings,
    storage::Records,
    test_util::{Answer, Script},
};

use crate::{
    agent::{Agent, MESSAGE, octets, to_upload, whole},
    failing::{Failing, SLOW},
};

async fn agent(backend: &Failing, upstream: &Script) -> Agent {
    Agent::on(
        backend.clone(),
        upstream.clone(),
        RestHandlerSettings::default(),
    )
    .await
}

fn down() -> Script {
    Script::new().mail(Answer::Return(Reply::connection_failed()))
}

/// Requests a cancel, and disconnects before it is answered.
async fn cancel_and_go(agent: &Agent, transaction: &Location) {
    let cancelled = agent.ask(Operation::Cancel(transaction.clone()));
    let _ = tokio::time::timeout(Duration::from_secs(1), cancelled).await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_fails_at_the_end_of_the_upload_is_made_by_the_next() {
    let backend = Failing::default();
    let upstream = Script::new();
    let agent = agent(&backend, &upstream).await;
    let created = agent.create(to_upload()).await;
    let body = created.location.join("body");
    backend.full_completes.store(2, Ordering::Relaxed);
    for _ in 0..2 {
        let failed = agent.upload(&body, None, octets(MESSAGE)).await;
        let kind = failed.unwrap_err().kind;
        assert!(matches!(kind, RefusalKind::Unavailable { .. }), "{kind:?}");
    }
    let uploaded = agent.upload(&body, None, octets(MESSAGE)).await;
    assert!(uploaded.unwrap().finalized);
    let view = agent.end(&created.location).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    assert_eq!(upstream.only_received().text(), MESSAGE);
}

#[tokio::test(start_paused = true)]
async fn a_large_message_that_was_half_written_is_written_by_the_next_upload() {
    let backend = Failing::default();
    let upstream = Script::new();
    let agent = agent(&backend, &upstream).await;
    let created = agent.create(to_upload()).await;
    let body = created.location.join("body");
    backend.full_appends.store(1, Ordering::Relaxed);
    let large = Bytes::from("a line of a large message\r\n".repeat(40_000));
    let lines = |count| Bytes::from("a line of a large message\r\n".repeat(count));
    let pieces = futures_util::stream::iter((0..40).map(move |_| Ok(lines(1000))));
    let failed = agent.upload(&body, None, Body::from_stream(pieces)).await;
    let kind = failed.unwrap_err().kind;
    assert!(matches!(kind, RefusalKind::Unavailable { .. }), "{kind:?}");
    agent.upload(&body, None, large.clone()).await.unwrap();
    let view = agent.end(&created.location).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    assert_eq!(upstream.only_received().text().len(), large.len());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_while_it_cancels_leaves_no_lease() {
    let backend = Failing::default();
    let agent = agent(&backend, &down()).await;
    let created = agent.create(to_upload()).await;
    backend.slow_settlements.store(1, Ordering::Relaxed);
    cancel_and_go(&agent, &created.location).await;
    tokio::time::sleep(2 * SLOW).await;
    assert_eq!(backend.inner.census().await.unwrap().leased, 0);
    assert!(agent.view(&created.location).await.cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_while_an_attempt_is_written_down_counts() {
    let backend = Failing::default();
    let agent = agent(&backend, &down()).await;
    backend.slow_settlements.store(1, Ordering::Relaxed);
    let mut create = whole();
    create.wait = None;
    let created = agent.create(create).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    cancel_and_go(&agent, &created.location).await;
    tokio::time::sleep(2 * SLOW).await;
    let census = backend.inner.census().await.unwrap();
    assert_eq!((census.waiting, census.leased), (0, 0));
    assert!(agent.view(&created.location).await.cancelled);
}

/// An upload with a slow commit, and a cancel meanwhile: nothing is left. Returns whether the
/// upload was accepted, and the final view.
async fn cancelled_amid_the_commit(backend: &Failing) -> (bool, View) {
    let busy = Answer::After(3 * SLOW, Reply::mailbox_busy());
    let agent = agent(backend, &Script::new().message(busy)).await;
    let created = agent.create(to_upload()).await;
    backend.slow_completes.store(1, Ordering::Relaxed);
    let body = created.location.join("body");
    let upload = agent.upload(&body, None, octets(MESSAGE));
    let cancel = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cancel_and_go(&agent, &created.location).await;
    };
    let (uploaded, ()) = tokio::join!(upload, cancel);
    let view = agent.end(&created.location).await;
    let census = backend.inner.census().await.unwrap();
    assert_eq!((census.waiting, census.leased), (0, 0));
    (uploaded.is_ok_and(|uploaded| uploaded.finalized), view)
}

#[tokio::test(start_paused = true)]
async fn a_cancel_while_the_message_is_committed_leaves_no_lease() {
    let (is_uploaded, view) = cancelled_amid_the_commit(&Failing::default()).await;
    assert!(is_uploaded && view.cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_while_the_message_cannot_be_committed_counts() {
    let backend = Failing::default();
    backend.full_completes.store(1, Ordering::Relaxed);
    let (is_uploaded, view) = cancelled_amid_the_commit(&backend).await;
    assert!(!is_uploaded && view.cancelled);
    assert_eq!(view.final_attempt_reason.as_deref(), Some("cancelled"));
}

#[tokio::test(start_paused = true)]
async fn what_was_read_before_it_was_cancelled_is_not_gone_on_with() {
    let backend = Failing::default();
    let created = agent(&backend, &down()).await.create(to_upload()).await;
    let upstream = Script::new();
    // After a restart nobody has it in memory.
    let agent = agent(&backend, &upstream).await;
    backend.slow_finds.store(1, Ordering::Relaxed);
    let body = created.location.join("body");
    let cancel = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        agent.ask(Operation::Cancel(created.location.clone())).await
    };
    let (uploaded, cancelled) = tokio::join!(agent.upload(&body, None, octets(MESSAGE)), cancel);
    assert!(matches!(cancelled, ResourceResponse::Current { view, .. } if view.cancelled));
    let refusal = uploaded.unwrap_err();
    assert!(matches!(refusal.kind, RefusalKind::Conflict), "{refusal:?}");
    assert!(agent.view(&created.location).await.cancelled);
    assert!(upstream.received().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_cancel_that_cannot_be_written_now_is_written_later() {
    // One whose message is still to come, and one that is queued.
    let mut queued = whole();
    queued.wait = None;
    for create in [to_upload(), queued] {
        let backend = Failing::default();
        let agent = agent(&backend, &down()).await;
        let created = agent.create(create).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        backend.failed_leases.store(3, Ordering::Relaxed);
        let cancelled = agent.ask(Operation::Cancel(created.location.clone())).await;
        let ResourceResponse::Refused(refusal) = cancelled else {
            panic!("{cancelled:?}");
        };
        assert!(matches!(refusal.kind, RefusalKind::Unavailable { .. }));
        tokio::time::sleep(Duration::from_secs(10)).await;
        let view = agent.view(&created.location).await;
        assert_eq!(view.final_attempt_reason.as_deref(), Some("cancelled"));
        let census = backend.inner.census().await.unwrap();
        assert_eq!((census.waiting, census.leased), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn while_there_is_no_room_creates_and_uploads_are_refused_and_the_rest_goes_on() {
    let backend = Failing::default();
    let upstream = Script::new();
    let agent = agent(&backend, &upstream).await;
    let draft = agent.create(to_upload()).await.location;
    let body = draft.join("body");
    backend.is_short.store(true, Ordering::Relaxed);
    for create in [to_upload(), whole()] {
        let kind = agent.try_create(create).await.unwrap_err().kind;
        assert!(matches!(kind, RefusalKind::Unavailable { .. }), "{kind:?}");
    }
    let refused = agent.upload(&body, None, octets(MESSAGE)).await;
    let kind = refused.unwrap_err().kind;
    assert!(matches!(kind, RefusalKind::Unavailable { .. }), "{kind:?}");
    assert!(!agent.view(&draft).await.is_final());
    backend.is_short.store(false, Ordering::Relaxed);
    agent.upload(&body, None, octets(MESSAGE)).await.unwrap();
    let view = agent.end(&draft).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
}

/// Whether the rest of a draft was written is found out later; until then, a repeated request is told to
/// come again.
#[tokio::test(start_paused = true)]
async fn an_upload_of_which_nobody_knows_is_delivered_once() {
    for is_down in [false, true] {
        let backend = Failing::default();
        let upstream = if is_down { down() } else { Script::new() };
        let agent = agent(&backend, &upstream).await;
        let created = agent.create(to_upload()).await;
        let body = created.location.join("body");
        backend.unanswered_completes.store(1, Ordering::Relaxed);
        backend.failed_finds.store(5, Ordering::Relaxed);
        for _ in 0..2 {
            let failed = agent.upload(&body, None, octets(MESSAGE)).await;
            let kind = failed.unwrap_err().kind;
            assert!(matches!(kind, RefusalKind::Unavailable { .. }), "{kind:?}");
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        // As after an upload whose answer was lost on the way.
        let repeated = agent.upload(&body, None, octets(MESSAGE)).await;
        let kind = repeated.unwrap_err().kind;
        assert!(matches!(kind, RefusalKind::WrongRange { .. }), "{kind:?}");
        agent.storage.flush().await;
        let census = agent.storage.backend().census().await.unwrap();
        assert_eq!(census.leased, 0);
        if !is_down {
            let view = agent.end(&created.location).await;
            assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
            assert_eq!(upstream.only_received().text(), MESSAGE);
        }
    }
}

/// A draft of which nobody knows is given up.
#[tokio::test(start_paused = true)]
async fn a_draft_of_which_nobody_knows_is_removed() {
    let backend = Failing::default();
    let agent = agent(&backend, &Script::new()).await;
    backend.unanswered_inserts.store(1, Ordering::Relaxed);
    backend.failed_finds.store(5, Ordering::Relaxed);
    let failed = agent.try_create(to_upload()).await;
    assert!(failed.is_err());
    tokio::time::sleep(Duration::from_secs(60)).await;
    agent.storage.flush().await;
    let census = agent.storage.backend().census().await.unwrap();
    assert_eq!((census.waiting, census.leased), (0, 0));
}
