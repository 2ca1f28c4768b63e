//! Header fields as values, in messages that are streamed.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use bytes::Bytes;
use futures_util::stream;
use koukan_core::{
    blob::{Blob, BlobPool, Limits, Payer},
    body::{Body, BodyError, Transform},
    middleware::{Next, State, from_fn, from_fn_with_state},
    reply::{Rejection, Reply},
    test_util::{Script, context, mail, rcpt, send},
    transaction::{Collected, Driver, Transaction},
};
use tower::{BoxError, Layer};

fn chunks(message: &str, size: usize) -> Body {
    let chunks: Vec<_> = message
        .as_bytes()
        .chunks(size)
        .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
        .collect();
    Body::from_stream(stream::iter(chunks))
}

const MESSAGE: &str = "Subject: hi\r\nBcc: c@y,\r\n d@y\r\nX-A: 1\r\n\r\nX-A: 2\r\nBcc: e@y\r\n";

#[tokio::test]
async fn fields_are_read_and_changed_wherever_chunks_end() {
    for size in 1..=MESSAGE.len() {
        let mut body = chunks(MESSAGE, size);
        let mut header = body.header().await.unwrap();
        assert_eq!(header.first("subject").unwrap().text(), "hi");
        header.remove("bcc");
        header.rename("X-A", "X-B").unwrap();
        header.add("X-New", "yes").unwrap();
        body.set_header(&header);
        let octets = body.collect(1000).await.unwrap();
        let expected = "X-New: yes\r\nSubject: hi\r\nX-B: 1\r\n\r\nX-A: 2\r\nBcc: e@y\r\n";
        assert_eq!(octets, expected, "by {size}");
    }
}

#[tokio::test]
async fn what_is_only_read_or_added_to_stays_a_blob() {
    let mut body = Body::from(Blob::from_bytes(MESSAGE.into()));
    let mut header = body.header().await.unwrap();
    body.set_header(&header);
    header.add("X-New", "yes").unwrap();
    body.set_header(&header);
    let (prefix, blob) = body.into_blob().unwrap();
    assert_eq!(prefix, ["X-New: yes\r\n"]);
    assert_eq!(blob.len(), Some(MESSAGE.len() as u64));
}

#[tokio::test]
async fn a_body_whose_header_was_given_up_does_not_end_cleanly() {
    let mut body = Body::from_stream(stream::pending());
    {
        let mut header = std::pin::pin!(body.header());
        assert!(futures_util::poll!(header.as_mut()).is_pending());
    }
    assert!(matches!(body.next().await, Err(BodyError::Aborted(_))));
}

async fn tag(tx: Transaction, next: Next) -> Result<Reply, BoxError> {
    let edited = tx.edit_header(12, |header| {
        if header.first("X-Spam").is_some() {
            return Err(Reply::policy_refused());
        }
        header
            .replace("X-New", "yes")
            .map_err(|_| Reply::local_error())
    });
    next.run(edited).await
}

#[tokio::test(start_paused = true)]
async fn a_filter_waits_for_the_header_section_alone() {
    let upstream = Script::new();
    let service = from_fn(tag).layer(upstream.clone());
    let (mut driver, from) = Driver::start(service, context(), mail("a@x"));
    assert!(driver.wait(from).await.is_positive());
    let to = driver.rcpt(rcpt("b@y")).await;
    assert!(driver.wait(to).await.is_positive());
    driver.data();
    driver.send("Subject: hi\r\n".into()).await.unwrap();
    driver.send("X-New: no\r\n\r\nhel".into()).await.unwrap();
    // The beginning was passed on before the rest arrived.
    let begun = "Subject: hi\r\nX-New: yes\r\n\r\nhel";
    tokio::select! {
        biased;
        () = upstream.octets(begun.len()) => {}
        () = driver.progress() => panic!("it has ended"),
    }
    driver.send("lo\r\n".into()).await.unwrap();
    assert!(driver.finish().await.is_positive());
    assert_eq!(upstream.only_received().text(), format!("{begun}lo\r\n"));
}

#[tokio::test]
async fn a_filter_may_reject_by_a_field_and_endpoints_get_no_clean_end() {
    let upstream = Script::new();
    let service = from_fn(tag).layer(upstream.clone());
    let message = "X-Spam: yes\r\n\r\nhello\r\n";
    let outcome = send(service, mail("a@x"), [rcpt("b@y")], message).await;
    assert_eq!(outcome.message.unwrap(), Reply::policy_refused());
    assert_eq!(upstream.only_received().body, "");
}

/// Replaces each `a` that is followed by `b` with `x`, wherever chunks end.
#[derive(Default)]
struct Pairs {
    is_a: bool,
}

impl Transform for Pairs {
    fn chunk(&mut self, chunk: Bytes) -> Result<Bytes, Rejection> {
        let mut out = Vec::new();
        for octet in chunk {
            if std::mem::take(&mut self.is_a) {
                match octet {
                    b'b' => {
                        out.push(b'x');
                        continue;
                    }
                    _ => out.push(b'a'),
                }
            }
            match octet {
                b'a' => self.is_a = true,
                b'!' => return Err(Reply::policy_refused().into()),
                octet => out.push(octet),
            }
        }
        Ok(out.into())
    }

    fn end(&mut self) -> Result<Bytes, Rejection> {
        Ok(match self.is_a {
            true => "a$".into(),
            false => "$".into(),
        })
    }
}

#[tokio::test]
async fn a_transform_sees_each_chunk_and_the_end() {
    for (message, expected) in [
        ("", "$"),
        ("a", "a$"),
        ("aab", "ax$"),
        ("ababa", "xxa$"),
        ("cabc", "cxc$"),
    ] {
        for size in 1..=message.len().max(1) {
            let mut body = chunks(message, size).transform(Pairs::default());
            let mut whole = Vec::new();
            while let Some(chunk) = body.next().await.unwrap() {
                assert!(!chunk.is_empty());
                whole.extend_from_slice(&chunk);
            }
            assert_eq!(whole, expected.as_bytes(), "{message} by {size}");
            assert!(body.next().await.unwrap().is_none());
        }
    }
    let rejected = chunks("ab!c", 1).transform(Pairs::default());
    let error = rejected.collect(100).await.unwrap_err();
    assert!(matches!(error, BodyError::Rejected(_)), "{error}");
    // A body that breaks off is not asked for its last octets.
    let broken = Body::from_stream(stream::iter([
        Ok(Bytes::from_static(b"c")),
        Err(koukan_core::transaction::Aborted.into()),
    ]));
    let mut broken = broken.transform(Pairs::default());
    assert_eq!(broken.next().await.unwrap().unwrap(), "c");
    assert!(broken.next().await.is_err());
    assert!(broken.next().await.is_err());
}

/// An endpoint that collects the whole message, and reports how much was charged meanwhile.
async fn whole(
    State(pool): State<BlobPool>,
    mut tx: Transaction,
    _: Next,
) -> Result<Reply, BoxError> {
    tx.signals.account_or(|| pool.account(Payer::Agent));
    tx.mail.answer(Reply::sender_ok());
    while let Some(rcpt) = tx.recipients.next().await? {
        rcpt.answer(Reply::recipient_ok());
    }
    let message = Collected::of(tx.body, &tx.signals, 1000).await?;
    assert!(pool.charged() >= message.len() as u64);
    drop(message);
    assert_eq!(pool.charged(), 0);
    Ok(Reply::message_accepted())
}

#[tokio::test]
async fn what_is_collected_is_charged_and_limited() {
    let pool = BlobPool::in_memory(Limits::default().with_budget(1 << 20));
    let service = from_fn_with_state(pool.clone(), whole).layer(Script::new());
    let message = |size: usize| Bytes::from(format!("\r\n{}\r\n", "x".repeat(size)));
    let outcome = send(service.clone(), mail("a@x"), [rcpt("b@y")], message(500)).await;
    assert!(outcome.message.unwrap().is_positive());
    let outcome = send(service, mail("a@x"), [rcpt("b@y")], message(1000)).await;
    assert_eq!(outcome.message.unwrap(), Reply::message_too_big());
}
