//! The filter `change_header`.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use bytes::Bytes;
use koukan_core::{
    blob::Blob,
    body::Body,
    filter::change_header::ChangeHeaderLayer,
    message::header_edit::HeaderEdit,
    middleware::{Next, from_fn},
    service::BoxMailService,
    test_util::{Script, mail, rcpt, send},
    transaction::Transaction,
};
use tower::Layer;

/// The changed message, when the original is given as a blob or as a stream of chunks of that size.
async fn changed(edit: &HeaderEdit, message: &'static str, chunk: Option<usize>) -> String {
    let upstream = Script::new();
    let changes = ChangeHeaderLayer::new(edit.clone()).layer(upstream.clone());
    let gives = from_fn(move |tx: Transaction, next: Next| async move {
        next.run(tx.map_body(|_| match chunk {
            None => Body::from(Blob::from_bytes(Bytes::from(message))),
            Some(size) => {
                let chunks = message.as_bytes().chunks(size).map(Bytes::from).map(Ok);
                Body::from_stream(futures_util::stream::iter(chunks.collect::<Vec<_>>()))
            }
        }))
        .await
    });
    let service = gives.layer(BoxMailService::new(changes));
    let outcome = send(service, mail("a@x"), [rcpt("b@y")], "\r\n").await;
    assert!(outcome.is_delivered());
    upstream.only_received().text().to_owned()
}

#[tokio::test]
async fn fields_are_taken_out_put_in_and_replaced_wherever_chunks_end() {
    let removes = HeaderEdit::default().without("X-A");
    let adds = HeaderEdit::default().with("X-B", "c").unwrap();
    let replaces = removes.clone().with("X-A", "z").unwrap();
    for (edit, message, expected) in [
        (
            &removes,
            "X-A: b\r\n c\r\nY: z\r\n\r\nX-A: b\r\n",
            "Y: z\r\n\r\nX-A: b\r\n",
        ),
        (&removes, "Y: z\r\n\r\nhello\r\n", "Y: z\r\n\r\nhello\r\n"),
        (&removes, "X-A: b\r\n\r\nhello\r\n", "\r\nhello\r\n"),
        (
            &adds,
            "Y: z\r\n\r\nhello\r\n",
            "X-B: c\r\nY: z\r\n\r\nhello\r\n",
        ),
        (&adds, "\r\nhello\r\n", "X-B: c\r\n\r\nhello\r\n"),
        // Without a header section.
        (&adds, "hello\r\n", "X-B: c\r\n\r\nhello\r\n"),
        (
            &replaces,
            "Y: z\r\nx-a: b\r\nX-A: c\r\n\r\nhello\r\n",
            "X-A: z\r\nY: z\r\n\r\nhello\r\n",
        ),
        (
            &replaces,
            "Y: z\r\n\r\nhello\r\n",
            "X-A: z\r\nY: z\r\n\r\nhello\r\n",
        ),
    ] {
        assert_eq!(changed(edit, message, None).await, expected, "{message}");
        for size in 1..=message.len() {
            assert_eq!(
                changed(edit, message, Some(size)).await,
                expected,
                "{message} by {size}"
            );
        }
    }
}

#[tokio::test]
async fn a_blob_stays_one_where_nothing_is_taken_out() {
    let edit = HeaderEdit::default()
        .with("X-B", "c")
        .unwrap()
        .without("X-A");
    for (message, is_blob) in [("Y: z\r\n\r\n", true), ("X-A: z\r\n\r\n", false)] {
        let looks = from_fn(move |tx: Transaction, next: Next| async move {
            next.run(tx.map_body(move |body| {
                body.then(move |body| async move {
                    assert_eq!(body.len().is_some(), is_blob, "{message}");
                    Ok(body)
                })
            }))
            .await
        });
        let upstream = looks.layer(BoxMailService::new(Script::new()));
        let service = ChangeHeaderLayer::new(edit.clone()).layer(upstream);
        let outcome = send(service, mail("a@x"), [rcpt("b@y")], message).await;
        assert!(outcome.is_delivered());
    }
}
