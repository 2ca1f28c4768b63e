//! Bodies: their known properties, and what is made of them.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use bytes::Bytes;
use koukan_core::{
    blob::{Blob, BlobPool},
    body::{Body, BodyError},
    reply::{Rejection, Reply},
    test_util::{context, mail},
    transaction::{Driver, Transaction},
};
use proptest::prelude::*;
use tower::{BoxError, service_fn};

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn chunked(chunks: &[&'static str]) -> Body {
    let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(bytes(chunk))).collect();
    Body::from_stream(futures_util::stream::iter(chunks))
}

async fn text(body: Body) -> String {
    String::from_utf8(body.collect(1 << 20).await.unwrap().into()).unwrap()
}

fn rejection(result: Result<Bytes, BodyError>) -> Reply {
    match result {
        Err(BodyError::Rejected(rejection)) => rejection.into_reply(),
        other => panic!("not a rejection: {other:?}"),
    }
}

#[tokio::test]
async fn what_is_prepended_last_comes_first() {
    let mut body = chunked(&["c", "d"]);
    body.prepend(bytes("b"));
    body.prepend(bytes(""));
    body.prepend(bytes("a"));
    assert_eq!(text(body).await, "abcd");
}

#[tokio::test]
async fn the_length_is_told_where_it_is_known() {
    assert_eq!(Body::empty().len(), Some(0));
    assert!(Body::empty().is_empty());
    let mut body = Body::from(bytes("hello"));
    body.prepend(bytes("oh, "));
    assert_eq!(body.len(), Some(9));
    body.next().await.unwrap();
    assert_eq!(body.len(), Some(5));
    body.next().await.unwrap();
    assert_eq!(body.len(), Some(0));
    assert_eq!(chunked(&["a"]).len(), None);
    let (mut writer, blob) = BlobPool::default().create();
    writer.append(bytes("abc")).await.unwrap();
    let body = Body::from(blob);
    assert_eq!(body.len(), None);
    writer.finish();
    assert_eq!(body.len(), Some(3));
}

#[tokio::test]
async fn an_unchanged_blob_is_recognised() {
    let blob = Blob::from_bytes(bytes("hello"));
    let mut body = Body::from(blob.clone());
    body.prepend(bytes("b"));
    body.prepend(bytes("a"));
    let (prefix, same) = body.into_blob().unwrap();
    assert_eq!(prefix, [bytes("a"), bytes("b")]);
    assert_eq!(same.id(), blob.id());
}

#[tokio::test]
async fn a_blob_that_was_read_or_changed_is_a_stream() {
    let blob = Blob::from_bytes(bytes("hello"));
    let mut read = Body::from(blob.clone());
    read.next().await.unwrap();
    assert_eq!(text(read.into_blob().unwrap_err()).await, "");
    let changed = Body::from(blob).map(Ok::<_, Reply>);
    assert_eq!(text(changed.into_blob().unwrap_err()).await, "hello");
}

#[tokio::test]
async fn a_body_found_out_later_is_seen_through() {
    let blob = Blob::from_bytes(bytes("hello"));
    let mut body = Body::from(blob.clone())
        .then(|mut body| async move {
            body.prepend(bytes("inner "));
            Ok(body)
        })
        .then(|body| async { Ok(body) });
    body.prepend(bytes("outer "));
    let mut body = body.into_blob().unwrap_err();
    body.ready().await.unwrap();
    body.ready().await.unwrap();
    assert_eq!(body.len(), Some(17));
    let (prefix, same) = body.into_blob().unwrap();
    assert_eq!(prefix, [bytes("outer "), bytes("inner ")]);
    assert_eq!(same.id(), blob.id());
}

#[tokio::test]
async fn a_body_found_out_later_is_read_without_being_ready() {
    let mut body = chunked(&["b", "c"]).then(|mut body| async move {
        body.prepend(bytes("a"));
        Ok(body)
    });
    body.prepend(bytes("0"));
    assert_eq!(text(body).await, "0abc");
}

#[tokio::test]
async fn a_body_rejected_later_never_ends_cleanly() {
    let rejecting =
        || chunked(&["a"]).then(|_| async { Err(Rejection::new(Reply::bad_content()).into()) });
    let mut body = rejecting();
    assert!(matches!(body.ready().await, Err(BodyError::Rejected(_))));
    assert!(body.ready().await.unwrap_err().is_aborted());
    assert!(body.next().await.unwrap_err().is_aborted());
    assert_eq!(
        rejection(rejecting().collect(9).await),
        Reply::bad_content()
    );
}

#[tokio::test(start_paused = true)]
async fn a_blob_passes_through_a_transaction_by_reference() {
    let blob = Blob::from_bytes(bytes("hello"));
    let id = blob.id();
    let service = service_fn(move |mut tx: Transaction| async move {
        tx.body.prepend(bytes("a"));
        tx.body.ready().await?;
        let (prefix, same) = tx.body.into_blob().map_err(|_| "not a blob")?;
        assert_eq!((prefix, same.id()), (vec![bytes("a"), bytes("b")], id));
        Ok::<_, BoxError>(Reply::message_accepted())
    });
    let (mut driver, _mail) = Driver::start(service, context(), mail("a@x"));
    let mut body = Body::from(blob);
    body.prepend(bytes("b"));
    // The receiver may end the transaction or only its pipe.
    driver.whole_body(body);
    assert_eq!(driver.finish().await, Reply::message_accepted());
}

#[tokio::test(start_paused = true)]
async fn being_ready_holds_one_chunk_however_often_it_is_asked() {
    let service = service_fn(|mut tx: Transaction| async move {
        tx.body.ready().await?;
        tx.body.ready().await?;
        tx.body.prepend(bytes("0"));
        let mut chunks = Vec::new();
        while let Some(chunk) = tx.body.next().await? {
            chunks.push(chunk);
        }
        assert_eq!(chunks, ["0", "a", "b"]);
        Ok::<_, BoxError>(Reply::message_accepted())
    });
    let (mut driver, _mail) = Driver::start(service, context(), mail("a@x"));
    driver.send(bytes("a")).await.unwrap();
    // Ready with only the first chunk.
    driver.send(bytes("b")).await.unwrap();
    assert_eq!(driver.finish().await, Reply::message_accepted());
}

#[tokio::test(start_paused = true)]
async fn being_ready_sees_an_empty_body() {
    let service = service_fn(|mut tx: Transaction| async move {
        tx.body.ready().await?;
        assert!(tx.body.is_empty());
        Ok::<_, BoxError>(Reply::message_accepted())
    });
    let (mut driver, _mail) = Driver::start(service, context(), mail("a@x"));
    assert_eq!(driver.finish().await, Reply::message_accepted());
}

#[tokio::test]
async fn a_map_leaves_empty_chunks_out() {
    let mut body = chunked(&["a", "b", "c"])
        .map(|chunk| Ok::<_, Reply>(if chunk == "b" { Bytes::new() } else { chunk }));
    assert_eq!(body.next().await.unwrap().unwrap(), "a");
    assert_eq!(body.next().await.unwrap().unwrap(), "c");
    assert_eq!(body.next().await.unwrap(), None);
}

#[tokio::test]
async fn the_whole_message_is_collected_up_to_the_limit() {
    assert_eq!(text(Body::empty()).await, "");
    assert_eq!(chunked(&["ab", "cd"]).collect(4).await.unwrap(), "abcd");
    for body in [chunked(&["ab", "cde"]), chunked(&["abcde"])] {
        assert_eq!(rejection(body.collect(4).await), Reply::message_too_big());
    }
}

#[tokio::test]
async fn one_chunk_is_collected_without_a_copy() {
    let whole = bytes("hello");
    let collected = Body::from(whole.clone()).collect(5).await.unwrap();
    assert_eq!(collected.as_ptr(), whole.as_ptr());
}

#[tokio::test]
async fn the_whole_message_can_be_changed_or_rejected() {
    let changed = chunked(&["ab", "cd"]).then_whole(9, |whole| async move {
        let mut body = Body::from(whole);
        body.prepend(bytes("sum: 4 "));
        Ok(body)
    });
    assert_eq!(text(changed).await, "sum: 4 abcd");
    let rejected =
        chunked(&["ab"]).then_whole(9, |_| async { Err(Rejection::new(Reply::bad_content())) });
    assert_eq!(rejection(rejected.collect(9).await), Reply::bad_content());
    let too_big = chunked(&["ab", "cd"]).then_whole(3, |whole| async { Ok(Body::from(whole)) });
    assert_eq!(
        rejection(too_big.collect(9).await),
        Reply::message_too_big()
    );
}

proptest! {
    #[test]
    fn collecting_does_not_depend_on_chunk_boundaries(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..9), 0..9),
        prefix in proptest::collection::vec(any::<u8>(), 0..9),
    ) {
        let whole: Vec<u8> = prefix.iter().chain(chunks.iter().flatten()).copied().collect();
        let chunks: Vec<_> = chunks.into_iter().map(|chunk| Ok(Bytes::from(chunk))).collect();
        let mut body = Body::from_stream(futures_util::stream::iter(chunks));
        body.prepend(prefix.into());
        let collecting = body.collect(whole.len());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        prop_assert_eq!(runtime.block_on(collecting).unwrap(), whole);
    }
}
