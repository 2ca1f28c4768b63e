//! A client that fills the memory for messages, and another client.

use std::{sync::LazyLock, time::Duration};

use bytes::Bytes;
use koukan_core::{
    blob::{BlobPool, Limits},
    context::Sender,
    reply::Reply,
    resource::{BodySource, Caller, Create, Range, Refusal, RefusalKind},
    shares::Client,
    test_util::{Answer, Script},
};

use super::{
    agent::{Agent, to_upload},
    upload::body_of,
};

static LIMITS: LazyLock<Limits> = LazyLock::new(|| {
    Limits::default()
        .with_window(64 << 10)
        .with_spill_above(0)
        .with_budget(1 << 20)
});

/// More large messages than there is room for.
const MOST: usize = 50;

fn called_by(agent: &Agent, name: &str) -> Agent {
    Agent {
        caller: Caller::unrestricted().with_client(Client::named(name)),
        ..agent.clone()
    }
}

/// A message with no promise to keep it.
fn of_len(len: usize) -> Create {
    let mut create = to_upload();
    create.sender = Sender::new("gateway").with_tag("mx");
    create.draft.body = Some(BodySource::Inline(vec![b'x'; len].into()));
    create
}

fn is_told_to_come_back(refusal: &Refusal) -> bool {
    matches!(refusal.kind, RefusalKind::Unavailable { retry_after } if !retry_after.is_zero())
}

/// An agent whose destination takes an hour to answer.
async fn agent() -> Agent {
    let slow = Script::new().message(Answer::After(
        Duration::from_secs(3600),
        Reply::message_accepted(),
    ));
    Agent::with_pool(BlobPool::in_memory(*LIMITS), slow).await
}

#[tokio::test(start_paused = true)]
async fn by_messages_that_come_whole() {
    let agent = agent().await;
    let (hostile, other) = (called_by(&agent, "hostile"), called_by(&agent, "other"));
    let mut refusal = None;
    for _ in 0..MOST {
        refusal = hostile.try_create(of_len(100_000)).await.err();
        if refusal.is_some() {
            break;
        }
    }
    let refusal = refusal.unwrap();
    assert!(is_told_to_come_back(&refusal), "{refusal:?}");
    other.create(of_len(10_000)).await;
}

#[tokio::test(start_paused = true)]
async fn by_uploads() {
    let agent = agent().await;
    let (hostile, other) = (called_by(&agent, "hostile"), called_by(&agent, "other"));
    let octets = Bytes::from(vec![b'x'; 100_000]);
    let begin = Range {
        start: 0,
        end: Some(100_000),
        total: None,
    };
    let mut drafts = Vec::new();
    for _ in 0..MOST {
        let created = hostile.create(to_upload()).await;
        drafts.push(body_of(&created.location));
    }
    let mut refusal = None;
    for body in drafts {
        let uploaded = hostile.upload(&body, Some(begin), octets.clone());
        refusal = uploaded.await.err();
        if refusal.is_some() {
            break;
        }
    }
    let refusal = refusal.unwrap();
    assert!(is_told_to_come_back(&refusal), "{refusal:?}");
    let created = other.create(to_upload()).await;
    other
        .upload(
            &body_of(&created.location),
            None,
            Bytes::from_static(b"\r\nhello\r\n"),
        )
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn by_drafts() {
    let agent = agent().await;
    let (hostile, other) = (called_by(&agent, "hostile"), called_by(&agent, "other"));
    let mut count = 0;
    let mut refusal = None;
    while count < 10 * MOST && refusal.is_none() {
        refusal = hostile.try_create(to_upload()).await.err();
        count += 1;
    }
    let refusal = refusal.unwrap();
    assert!(is_told_to_come_back(&refusal), "{refusal:?}");
    // A waiting transaction takes little.
    assert!(count > 100, "{count}");
    other.create(to_upload()).await;
}
