//! Uploads that are repeated.

use std::time::Duration;

use futures_util::stream;
use koukan_core::{
    body::{Body, BodyError},
    message::line_ends::LineEnds,
    resource::{BodySource, Location, Range, RefusalKind},
    stage::rest_handler::RestHandlerSettings,
    storage::MemoryBackend,
    test_util::{End, Script, at_rest},
    transaction::Aborted,
};
use proptest::prelude::*;
use serde_json::json;

use crate::agent::{Agent, octets, to_upload};

/// Content that breaks off after these octets.
fn broken(text: &str) -> Body {
    let chunks = [Ok(text.to_owned().into()), Err(BodyError::from(Aborted))];
    Body::from_stream(stream::iter(chunks))
}

fn range(start: usize, end: usize, total: Option<usize>) -> Option<Range> {
    Some(Range {
        start: start as u64,
        end: Some(end as u64),
        total: total.map(|total| total as u64),
    })
}

fn text(text: &str) -> Body {
    Body::from(bytes::Bytes::from(text.to_owned()))
}

async fn draft(agent: &Agent) -> (Location, Location) {
    let created = agent.create(to_upload()).await;
    let body = created.location.join("body");
    (created.location, body)
}

/// Lets the attempt read the octets that have arrived.
async fn let_it_read() {
    at_rest().await;
}

const FIRST: &str = "Subject: first\r\n\r\nThe first message, of which a part came.";
const SECOND: &str = "Subject: second\r\n\r\nThe second message, which came whole.\r\n";

#[tokio::test(start_paused = true)]
async fn another_message_takes_the_place_of_what_broke_off_and_was_read() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let (location, body) = draft(&agent).await;
    let refusal = agent.upload(&body, None, broken(FIRST)).await;
    assert_eq!(refusal.unwrap_err().kind, RefusalKind::Malformed);
    let_it_read().await;
    let uploaded = agent.upload(&body, None, octets(SECOND)).await.unwrap();
    assert_eq!(uploaded.len, SECOND.len() as u64);
    let view = agent.end(&location).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    assert_eq!(view.attempt_count, 1);
    let received = upstream.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].end, End::Dropped);
    assert_eq!(received[1].text(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_same_message_goes_on_where_it_broke_off() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let (location, body) = draft(&agent).await;
    for cut in [10, 5, 30, 30, 41] {
        let broken = broken(&SECOND[..cut]);
        agent.upload(&body, None, broken).await.unwrap_err();
        let_it_read().await;
    }
    agent.upload(&body, None, octets(SECOND)).await.unwrap();
    agent.end(&location).await;
    assert_eq!(upstream.only_received().text(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_message_may_end_before_what_broke_off() {
    for short in ["Subject: first\r\n\r\n", ""] {
        let upstream = Script::new();
        let agent = Agent::over(upstream.clone()).await;
        let (location, body) = draft(&agent).await;
        agent.upload(&body, None, broken(FIRST)).await.unwrap_err();
        let_it_read().await;
        let uploaded = agent.upload(&body, None, text(short)).await.unwrap();
        assert_eq!(uploaded.len, short.len() as u64);
        agent.end(&location).await;
        assert_eq!(upstream.received().last().unwrap().text(), short);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_told_of_the_length_does_not_bind_another_message() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let (location, body) = draft(&agent).await;
    let begun = agent.upload(&body, range(0, 9, Some(999)), octets("Subject: "));
    begun.await.unwrap();
    let uploaded = agent.upload(&body, None, octets(SECOND)).await.unwrap();
    assert_eq!(uploaded.total, Some(SECOND.len() as u64));
    agent.end(&location).await;
    assert_eq!(upstream.only_received().text(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn ranges_overlap_where_they_are_equal_only() {
    for message in [SECOND.to_owned(), SECOND.replace("\r\n", "\n")] {
        let upstream = Script::new();
        let agent = Agent::over(upstream.clone()).await;
        let (location, body) = draft(&agent).await;
        let len = message.len();
        let put = async |start: usize, content: &str| {
            let end = start + content.len();
            agent
                .upload(&body, range(start, end, Some(len)), text(content))
                .await
        };
        put(0, &message[..26]).await.unwrap();
        let other = message.to_uppercase();
        for (start, end) in [(0, 26), (20, 40), (22, 26), (25, 27), (0, len)] {
            let refusal = put(start, &other[start..end]).await.unwrap_err();
            assert_eq!(refusal.kind, RefusalKind::Conflict, "{start}..{end}");
            assert_eq!(refusal.field.as_deref(), Some("Content-Range"));
        }
        for (start, end) in [(0, 30), (20, 30), (20, 29), (16, 18), (17, 19), (0, 34)] {
            let uploaded = put(start, &message[start..end]).await;
            assert!(!uploaded.unwrap().finalized, "{start}..{end}");
        }
        assert!(put(0, &message).await.unwrap().finalized);
        agent.end(&location).await;
        assert_eq!(upstream.only_received().text(), SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn line_ends_that_come_to_the_same_are_the_same() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let (location, body) = draft(&agent).await;
    let bare = SECOND.replace("\r\n", "\n");
    for cut in [16, 17, 18, 20] {
        agent
            .upload(&body, None, broken(&bare[..cut]))
            .await
            .unwrap_err();
        agent
            .upload(&body, None, broken(&SECOND[..cut]))
            .await
            .unwrap_err();
        let_it_read().await;
    }
    agent.upload(&body, None, text(&bare)).await.unwrap();
    agent.end(&location).await;
    assert_eq!(upstream.only_received().text(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn of_uploads_at_the_same_time_the_latest_counts() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let (location, body) = draft(&agent).await;
    let stalled = || {
        let begun = stream::iter([Ok(octets(FIRST))]);
        Body::from_stream(futures_util::StreamExt::chain(begun, stream::pending()))
    };
    let first = agent.upload(&body, None, stalled());
    let second = agent.upload(&body, None, stalled());
    let third = async {
        let_it_read().await;
        agent.upload(&body, None, octets(SECOND)).await
    };
    let (first, second, third) = tokio::join!(first, second, third);
    for early in [first, second] {
        assert_eq!(early.unwrap_err().kind, RefusalKind::Conflict);
    }
    third.unwrap();
    agent.end(&location).await;
    assert_eq!(upstream.received().last().unwrap().text(), SECOND);
}

/// A create with two attachments to be uploaded, and their locations.
async fn described(agent: &Agent) -> (Location, [Location; 2]) {
    let mut create = to_upload();
    let part = |name| json!({"content_type": "image/png", "content": {"create_id": name}});
    create.draft.body = Some(BodySource::MessageBuilder(json!({
        "file_attachments": [part("one"), part("two")],
    })));
    let created = agent.create(create).await;
    let parts = ["blob/one", "blob/two"].map(|to| created.location.join(to));
    (created.location, parts)
}

#[tokio::test(start_paused = true)]
async fn a_part_that_was_read_is_replaced_too() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let (location, [one, two]) = described(&agent).await;
    // Longer than the message holds back.
    let begun = "x".repeat(5000);
    agent.upload(&one, None, broken(&begun)).await.unwrap_err();
    let_it_read().await;
    agent.upload(&two, None, octets("purr")).await.unwrap();
    agent.upload(&one, None, octets("meow")).await.unwrap();
    let view = agent.end(&location).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    let received = upstream.received();
    assert_eq!(received.len(), 2);
    let message = received[1].text();
    assert!(message.contains("\r\n\r\nbWVvdw==\r\n"), "{message}");
    assert!(message.contains("\r\n\r\ncHVycg==\r\n"), "{message}");
    assert!(!message.contains("eHh4"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_has_read_nothing_of_it_goes_on() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let (location, [one, two]) = described(&agent).await;
    // The second is read after the first.
    agent.upload(&two, None, broken(FIRST)).await.unwrap_err();
    let_it_read().await;
    agent.upload(&two, None, octets("purr")).await.unwrap();
    agent.upload(&one, None, octets("meow")).await.unwrap();
    agent.end(&location).await;
    let received = upstream.only_received();
    let message = received.text();
    assert!(message.contains("\r\n\r\ncHVycg==\r\n"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_replaced_is_delivered_once_in_the_end() {
    let upstream = Script::new();
    let agent = Agent::on(
        MemoryBackend::new(),
        upstream.clone(),
        RestHandlerSettings::default(),
    )
    .await;
    agent.dispatch();
    let (location, body) = draft(&agent).await;
    for round in 0..9 {
        let begun = format!("Subject: {round}\r\n\r\n");
        agent.upload(&body, None, broken(&begun)).await.unwrap_err();
        let_it_read().await;
    }
    agent.upload(&body, None, octets(SECOND)).await.unwrap();
    let view = agent.end(&location).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let received = upstream.received();
    let whole = received
        .iter()
        .filter(|received| received.end != End::Dropped);
    let whole: Vec<_> = whole.map(|received| received.text().to_owned()).collect();
    assert_eq!(whole, [SECOND]);
    let census = agent.storage.backend().census().await.unwrap();
    assert_eq!((census.waiting, census.leased, census.finished), (0, 0, 1));
}

/// Texts with all kinds of line ends, many of which begin with the same.
fn texts() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec!["a", "b", "\r", "\n", "\r\n"]),
        0..8,
    )
    .prop_map(|pieces| pieces.concat())
}

fn normalized(text: &str) -> String {
    let mut line_ends = LineEnds::new();
    let fixed = line_ends.normalize(text.to_owned().into());
    let whole = [fixed, line_ends.finish()].concat();
    String::from_utf8(whole).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever was uploaded before, the last message counts.
    #[test]
    fn the_last_message_counts(
        before in prop::collection::vec((texts(), any::<bool>()), 0..4),
        last in texts(),
        is_read in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let upstream = Script::new();
            let agent = Agent::over(upstream.clone()).await;
            let (location, body) = draft(&agent).await;
            for (content, is_range) in &before {
                let range = is_range.then(|| range(0, content.len() + 1, None)).flatten();
                agent.upload(&body, range, broken(content)).await.unwrap_err();
                if is_read {
                    let_it_read().await;
                }
            }
            agent.upload(&body, None, text(&last)).await.unwrap();
            agent.end(&location).await;
            let received = upstream.received();
            let received = received.last().unwrap();
            assert_eq!(received.text(), normalized(&last));
        });
    }

    /// Ranges, some of them sent twice, make up the whole message.
    #[test]
    fn ranges_make_a_whole(
        message in texts(),
        ranges in prop::collection::vec((0_usize..9, 0_usize..9), 0..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let upstream = Script::new();
            let agent = Agent::over(upstream.clone()).await;
            let (location, body) = draft(&agent).await;
            let len = message.len();
            let mut there = 0;
            for (start, octets) in ranges {
                let start = start.min(there);
                let end = (start + octets).min(len);
                if start == end {
                    continue;
                }
                let part = text(&message[start..end]);
                let uploaded = agent.upload(&body, range(start, end, None), part).await;
                there = there.max(end);
                assert_eq!(uploaded.unwrap().len, there as u64);
            }
            let rest = text(&message[there..]);
            let last = agent.upload(&body, range(there, len, Some(len)), rest).await;
            assert!(last.unwrap().finalized);
            agent.end(&location).await;
            assert_eq!(upstream.only_received().text(), normalized(&message));
        });
    }
}
