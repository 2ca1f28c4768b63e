//! The filters that build and parse messages.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod message;

use bytes::Bytes;
use koukan_core::{
    blob::{Blob, BlobPool},
    body::Body,
    filter::{message_builder::MessageBuilderLayer, message_parser::MessageParserLayer},
    message::parser::ParseLimits,
    middleware::TraceLayer,
    observer::Log,
    reply::Reply,
    service::MailService,
    signals::Parsed,
    test_util::{Script, context, mail, rcpt, send},
    transaction::{Driver, Transaction},
};
use serde_json::json;
use tower::{BoxError, Layer, service_fn};

use self::message::{composition, render, spec};

fn letter() -> serde_json::Value {
    json!({"headers": [["subject", "hi"]],
        "text_body": [{"content_type": "text/plain", "content": {"create_id": "text"}}]})
}

fn blobs() -> message::Blobs {
    vec![("text".into(), "hello".into())]
}

fn body() -> Body {
    Body::from(composition(spec(&letter()), &blobs()))
}

/// Sends a body and returns the final reply.
async fn send_body(service: impl MailService, body: Body) -> Reply {
    let (mut driver, _mail) = Driver::start(service, context(), mail("a@x"));
    let _rcpt = driver.rcpt(rcpt("b@y")).await;
    driver.whole_body(body);
    driver.finish().await
}

/// The kind of the body that an endpoint sees once it is ready.
fn kind(
    f: impl Fn(Body) -> Result<(), BoxError> + Clone + Send + Sync + 'static,
) -> impl MailService {
    service_fn(move |mut tx: Transaction| {
        let f = f.clone();
        async move {
            while let Some(rcpt) = tx.recipients.next().await? {
                rcpt.answer(Reply::recipient_ok());
            }
            tx.body.ready().await?;
            f(tx.body)?;
            Ok::<_, BoxError>(Reply::message_accepted())
        }
    })
}

#[tokio::test]
async fn a_composition_goes_on_as_octets() {
    let service = kind(|body| match body.into_composition() {
        Ok(_) => Err("a composition".into()),
        Err(body) => match body.into_blob() {
            Ok(_) => Err("a blob".into()),
            Err(_) => Ok(()),
        },
    });
    let service = MessageBuilderLayer::new().layer(service);
    assert_eq!(send_body(service, body()).await, Reply::message_accepted());
    let upstream = Script::new();
    let service = MessageBuilderLayer::new().layer(upstream.clone());
    let mut prefixed = body();
    prefixed.prepend("X-First: y\r\n".into());
    assert_eq!(
        send_body(service, prefixed).await,
        Reply::message_accepted()
    );
    let expected = [b"X-First: y\r\n", &render(&letter(), &blobs())[..]].concat();
    assert_eq!(upstream.only_received().body, expected);
}

#[tokio::test]
async fn without_the_filter_it_stays_a_composition_also_when_it_is_watched() {
    let service = kind(|body| match body.into_composition() {
        Ok((prefix, taken)) if prefix == ["a"] && taken.parts().len() == 1 => Ok(()),
        other => Err(format!("{other:?}").into()),
    });
    let service = TraceLayer::new(Log.into()).layer(service);
    let mut body = body();
    body.prepend("a".into());
    assert_eq!(send_body(service, body).await, Reply::message_accepted());
}

#[tokio::test]
async fn a_rendered_message_may_be_too_big() {
    let octets = render(&letter(), &blobs()).len() as u64;
    for (max, reply) in [
        (octets, Reply::message_accepted()),
        (octets - 1, Reply::message_too_big()),
    ] {
        let layer = MessageBuilderLayer::new().with_max_size(max);
        assert_eq!(send_body(layer.layer(Script::new()), body()).await, reply);
    }
}

#[tokio::test]
async fn other_bodies_pass_as_they_are() {
    let blob = Blob::from_bytes("\r\nhello\r\n".into());
    let id = blob.id();
    let service = kind(move |body| match body.into_blob() {
        Ok((_, same)) if same.id() == id => Ok(()),
        other => Err(format!("{other:?}").into()),
    });
    let service = MessageBuilderLayer::new().with_max_size(1).layer(service);
    let service = MessageParserLayer::new().layer(service);
    assert_eq!(
        send_body(service, blob.into()).await,
        Reply::message_accepted()
    );
}

#[tokio::test]
async fn the_parsed_message_is_there_when_the_body_is_ready() {
    let upstream = Script::new();
    let service = service_fn({
        let upstream = upstream.clone();
        move |mut tx: Transaction| {
            let mut upstream = upstream.clone();
            async move {
                assert!(tx.signals.find::<Parsed>().is_none());
                let signals = tx.signals.clone();
                tx.body = tx.body.then(move |body| async move {
                    let parsed = signals.find::<Parsed>().expect("the message is parsed");
                    assert_eq!(parsed.0.json["headers"][0][1], "hi");
                    Ok(body)
                });
                tower::Service::call(&mut upstream, tx).await
            }
        }
    });
    let service = MessageParserLayer::new().layer(service);
    let message = "Subject: hi\r\n\r\nhello\r\n";
    let outcome = send(service.clone(), mail("a@x"), [rcpt("b@y")], message).await;
    assert!(outcome.is_delivered());
    let (mut driver, _mail) = Driver::start(service, context(), mail("a@x"));
    let _rcpt = driver.rcpt(rcpt("b@y")).await;
    for octet in message.as_bytes() {
        driver
            .send(Bytes::copy_from_slice(&[*octet]))
            .await
            .unwrap();
    }
    assert_eq!(driver.finish().await, Reply::message_accepted());
    let received = upstream.received();
    assert!(received.iter().all(|received| received.body == message));
}

#[tokio::test]
async fn a_composition_is_parsed_beside() {
    let upstream = Script::new();
    let service = MessageParserLayer::new().layer(upstream.clone());
    let mut prefixed = body();
    prefixed.prepend("X-First: y\r\n".into());
    assert_eq!(
        send_body(service, prefixed).await,
        Reply::message_accepted()
    );
    let received = upstream.only_received();
    let parsed = received.signals.find::<Parsed>().unwrap();
    assert_eq!(
        parsed.0.json["headers"],
        json!([["x-first", "y"], ["subject", "hi"]])
    );
    // As for a text within the description, its last line has an end.
    let text = &parsed.0.json["text_body"][0]["content"]["inline"];
    assert_eq!(text, "hello\r\n");
    let service = kind(|body| body.into_composition().map(drop).map_err(|_| "none".into()));
    let service = MessageParserLayer::new().layer(service);
    assert_eq!(send_body(service, body()).await, Reply::message_accepted());
}

#[tokio::test]
async fn a_large_message_passes_unparsed() {
    let message = format!("Subject: hi\r\n\r\n{}", "hello\r\n".repeat(100_000));
    for (max, is_parsed) in [(message.len(), true), (message.len() - 1, false)] {
        for is_blob in [true, false] {
            let upstream = Script::new();
            let layer = MessageParserLayer::new()
                .with_max_size(max)
                .with_limits(ParseLimits::default().with_max_inline(9));
            let body = match is_blob {
                true => Blob::from_bytes(message.clone().into()).into(),
                false => {
                    let chunks = message.as_bytes().chunks(10_000);
                    let chunks: Vec<_> = chunks.map(|c| Ok(Bytes::copy_from_slice(c))).collect();
                    Body::from_stream(futures_util::stream::iter(chunks))
                }
            };
            let reply = send_body(layer.layer(upstream.clone()), body).await;
            assert_eq!(reply, Reply::message_accepted());
            let received = upstream.only_received();
            assert!(received.body == message);
            let parsed = received.signals.find::<Parsed>();
            assert_eq!(parsed.is_some(), is_parsed);
            if let Some(parsed) = parsed {
                assert_eq!(parsed.0.blobs[0].1.len(), 700_000);
            }
        }
    }
}

#[tokio::test]
async fn a_message_that_does_not_end_is_not_parsed() {
    let upstream = Script::new();
    let service = MessageParserLayer::new().layer(upstream.clone());
    let (mut writer, blob) = BlobPool::default().create();
    writer.append("Subject: hi\r\n\r\n".into()).await.unwrap();
    drop(writer);
    let reply = send_body(service, blob.into()).await;
    assert!(!reply.is_positive());
    let received = upstream.only_received();
    assert!(received.signals.find::<Parsed>().is_none());
    assert_eq!(received.body, "");
}
