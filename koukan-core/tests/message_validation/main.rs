//! The filter `message_validation`, and rules based on its results.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod levels;
mod parts;

use bytes::Bytes;
use koukan_core::{
    blob::{Blob, BlobPool, Limits, Payer},
    body::Body,
    filter::{
        message_validation::{HasFile, MessageValidationLayer, WorseThan},
        policy_action::{
            Expression, Matcher, PolicyAction, PolicyLayer, PolicyRule, matchers::Pattern,
        },
    },
    message::validation::{Level, ValidationReport, Validator},
    middleware::{DeliverOutcome, DeliverRequest, Next, from_fn},
    reply::Reply,
    shares::Client,
    test_util::{Script, context, mail, rcpt, send, send_with},
    transaction::Transaction,
};
use tower::Layer;

/// The report on a message.
fn report(message: impl AsRef<[u8]>) -> ValidationReport {
    let mut validator = Validator::new();
    validator.scan(message.as_ref());
    validator.finish()
}

const FIELDS: &str = "From: a@x.example\r\nDate: Fri, 2 Jan 2026 03:04:05 +0000\r\n\
                      Message-ID: <1@x.example>\r\n";

fn refuse(matcher: impl Matcher, upstream: &Script) -> impl koukan_core::service::MailService {
    let rule = PolicyRule::new("content")
        .with_match(Expression::new(matcher))
        .with_action(PolicyAction::Reject);
    let service = PolicyLayer::new(rule).layer(upstream.clone());
    MessageValidationLayer::new().layer(service)
}

async fn sent(matcher: impl Matcher, message: &str) -> DeliverOutcome {
    let service = refuse(matcher, &Script::new());
    send(service, mail("a@x"), [rcpt("b@y")], message.to_owned()).await
}

#[tokio::test]
async fn what_is_worse_than_the_threshold_is_refused() {
    let medium = format!("{FIELDS}\r\nhello\r\n");
    for (level, message, is_refused) in [
        (Level::Basic, "hello\r\n", true),
        (Level::Basic, "Subject: hi\r\n\r\nhello\r\n", false),
        (Level::Medium, "Subject: hi\r\n\r\nhello\r\n", true),
        (Level::Medium, &medium, false),
        (Level::High, &medium, false),
    ] {
        let outcome = sent(WorseThan(level), message).await;
        assert_eq!(outcome.is_delivered(), !is_refused, "{level} {message}");
    }
}

#[tokio::test]
async fn a_stream_is_looked_at_as_it_passes_and_a_blob_stays_one() {
    for is_stream in [false, true] {
        let upstream = Script::new();
        let checked = refuse(WorseThan(Level::Medium), &upstream);
        let layer = from_fn(move |tx: Transaction, next: Next| async move {
            let message = Bytes::from("Subject: hi\r\n\r\nhello\r\n");
            next.run(tx.map_body(|_| match is_stream {
                true => in_chunks(&message, 3),
                false => Body::from(Blob::from_bytes(message)),
            }))
            .await
        });
        let service = layer.layer(koukan_core::service::BoxMailService::new(checked));
        let outcome = send(service, mail("a@x"), [rcpt("b@y")], "\r\n").await;
        assert!(outcome.message.unwrap().is_permanent(), "{is_stream}");
    }
}

/// A body in chunks of that many octets.
fn in_chunks(message: &[u8], size: usize) -> Body {
    let chunks = message.chunks(size).map(Bytes::copy_from_slice).map(Ok);
    let chunks: Vec<_> = chunks.collect();
    Body::from_stream(futures_util::stream::iter(chunks))
}

#[tokio::test]
async fn a_long_header_section_is_paid_for_while_it_is_held() {
    let limits = Limits::default()
        .with_window(1 << 10)
        .with_spill_above(1 << 20)
        .with_budget(64 << 10);
    for (octets, is_granted) in [(8 << 10, true), (40 << 10, true), (100 << 10, false)] {
        let pool = BlobPool::in_memory(limits);
        let fills = from_fn(move |tx: Transaction, next: Next| async move {
            let message = format!("{FIELDS}X: {}\r\n\r\nhello\r\n", "x".repeat(octets));
            next.run(tx.map_body(move |_| in_chunks(message.as_bytes(), 1000)))
                .await
        });
        let looks = MessageValidationLayer::new().layer(Script::new());
        let service = fills.layer(koukan_core::service::BoxMailService::new(looks));
        let message = Blob::from_bytes("\r\n".into());
        let mut request = DeliverRequest::new(context(), mail("a@x"), message);
        request.recipients.push(rcpt("b@y"));
        let payer = Payer::Client(Client::Unknown);
        request.signals.account_or(|| pool.account(payer));
        let reply = send_with(service, request).await.message.unwrap();
        let expected = match is_granted {
            true => Reply::message_accepted(),
            false => Reply::insufficient_storage(),
        };
        assert_eq!(reply, expected, "{octets}");
        assert_eq!(pool.charged(), 0);
    }
}

#[tokio::test]
async fn files_are_refused_by_name_type_and_size() {
    let message = format!(
        "{FIELDS}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n\
         --b\r\nContent-Type: application/zip; name=\"Bill.EXE. \"\r\nContent-Transfer-Encoding: base64\r\n\r\n\
         QUJDREVG\r\n--b--\r\n"
    );
    let like = |text| [Pattern::new(text)];
    for (matcher, is_so) in [
        (HasFile::default().with_names(like("*.exe")), true),
        (HasFile::default().with_names(like("*.js")), false),
        (HasFile::default().with_types(like("application/*")), true),
        (HasFile::default().with_types(like("image/*")), false),
        (HasFile::default().with_larger_than(5), true),
        (HasFile::default().with_larger_than(6), false),
        (
            HasFile::default()
                .with_types(like("image/*"))
                .with_names(like("*.exe")),
            true,
        ),
    ] {
        let told = format!("{matcher:?}");
        let outcome = sent(matcher, &message).await;
        assert_eq!(!outcome.is_delivered(), is_so, "{told}");
    }
}
