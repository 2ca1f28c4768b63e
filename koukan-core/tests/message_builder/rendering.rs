//! How a spec is rendered.

use std::sync::Arc;

use bytes::Bytes;
use koukan_core::{
    blob::BlobPool,
    body::{Body, BodyError},
    message::builder::Composition,
    reply::{Rejection, Reply},
};
use serde_json::{Value, json};

use crate::message::{Blobs, check_lines, composition, now, python, render, spec, try_render};

/// The example in the documentation of the API.
fn example() -> Value {
    json!({
        "headers": [
            ["from", [{"display_name": "alice a", "address": "alice@example.com"}]],
            ["to", [{"address": "bob@example.com"}]],
            ["bcc", [{"address": "secret@example.com"}]],
            ["subject", "hello"],
            ["date", {"unix_secs": 1_709_750_551, "tz_offset": -28_800}],
            ["message-id", ["abc@xyz"]],
            ["in-reply-to", ["abd@xyz"]],
            ["references", ["abd@xyz", "abe@xyz"]]
        ],
        "text_body": [
            {"content_type": "text/html", "content": {"inline": "<b>hello</b>"}},
            {"content_type": "text/plain", "content": {"create_id": "my_plain_body"}}
        ],
        "related_attachments": [
            {"content_type": "image/png", "content_id": "xyz123", "content": {"create_id": "img"}}
        ],
        "file_attachments": [
            {"content_type": "image/png", "filename": "cat.png", "content": {"create_id": "img"}}
        ]
    })
}

fn example_blobs() -> Blobs {
    vec![
        ("my_plain_body".into(), "hello".into()),
        ("img".into(), Bytes::from_static(b"\x89PNG\0")),
    ]
}

#[test]
fn the_example_renders_as_documented() {
    let message = render(&example(), &example_blobs());
    let text = std::str::from_utf8(&message).unwrap();
    let header = "From: alice a <alice@example.com>\r\n\
        To: bob@example.com\r\n\
        Subject: hello\r\n\
        Date: Wed, 6 Mar 2024 10:42:31 -0800\r\n\
        Message-ID: <abc@xyz>\r\n\
        In-Reply-To: <abd@xyz>\r\n\
        References: <abd@xyz> <abe@xyz>\r\n\
        MIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=\"=_";
    assert!(text.starts_with(header), "{text}");
    assert!(!text.contains("secret"), "{text}");
    let described = &python::describe([&message[..]])[0];
    assert_eq!(
        described["structure"],
        json!([
            "multipart/mixed",
            "multipart/related",
            "multipart/alternative",
            "text/html",
            "text/plain",
            "image/png",
            "image/png"
        ])
    );
    assert_eq!(described["defects"], json!([]));
    assert_eq!(python::content(&described["parts"][0]), b"<b>hello</b>");
    assert_eq!(python::content(&described["parts"][1]), b"hello");
    assert_eq!(described["parts"][2]["content_id"], "<xyz123>");
    assert_eq!(described["parts"][2]["disposition"], "inline");
    assert_eq!(described["parts"][3]["filename"], "cat.png");
    check_lines(&message);
}

#[test]
fn wrappers_stand_only_where_they_are_needed() {
    let part = |kind: &str| json!({"content_type": kind, "content": {"inline": "x"}});
    let (text, html, file) = (
        part("text/plain"),
        part("text/html"),
        part("application/pdf"),
    );
    for (json, structure) in [
        (json!({}), vec!["text/plain"]),
        (json!({"text_body": [html]}), vec!["text/html"]),
        (
            json!({"text_body": [text, html]}),
            vec!["multipart/alternative", "text/plain", "text/html"],
        ),
        (
            // The last one is preferred, so the order matters.
            json!({"text_body": [html, text]}),
            vec!["multipart/alternative", "text/html", "text/plain"],
        ),
        (
            json!({"file_attachments": [file]}),
            vec!["multipart/mixed", "application/pdf"],
        ),
        (
            json!({"related_attachments": [file]}),
            vec!["multipart/mixed", "application/pdf"],
        ),
        (
            json!({"text_body": [html], "related_attachments": [file]}),
            vec!["multipart/related", "text/html", "application/pdf"],
        ),
        (
            json!({"text_body": [text], "file_attachments": [file, file]}),
            vec![
                "multipart/mixed",
                "text/plain",
                "application/pdf",
                "application/pdf",
            ],
        ),
    ] {
        let described = &python::describe([&render(&json, &vec![])[..]])[0];
        assert_eq!(described["structure"], json!(structure), "{json}");
        assert_eq!(described["defects"], json!([]), "{json}");
    }
}

#[test]
fn attached_messages_stay_as_they_are() {
    let inner = "Subject: inner\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\ngrün\r\n--x--";
    let json = json!({"text_body": [{"content_type": "text/plain", "content": {"inline": "see"}}],
        "file_attachments": [{"content_type": "message/rfc822", "content": {"create_id": "m"}}]});
    let message = render(&json, &vec![("m".into(), inner.into())]);
    let text = String::from_utf8(message.to_vec()).unwrap();
    assert_eq!(
        text.matches("Content-Transfer-Encoding: 8bit\r\n").count(),
        2
    );
    assert!(text.contains(&format!("\r\n\r\n{inner}\r\n--=_")), "{text}");
    check_lines(&message);
    for octets in ["a\0b", &"x".repeat(999)] {
        let blobs = vec![("m".into(), Bytes::copy_from_slice(octets.as_bytes()))];
        let Err(BodyError::Rejected(rejection)) = try_render(spec(&json), &blobs) else {
            panic!("not refused");
        };
        assert_eq!(rejection.reply().code(), Reply::bad_content().code());
    }
}

#[test]
fn a_message_can_be_attached_to_another_like_it() {
    let json = json!({"headers": [["message-id", "same@x"]],
        "file_attachments": [{"content_type": "message/rfc822", "content": {"create_id": "m"}}]});
    let inner = render(&json, &vec![("m".into(), "Subject: x\r\n\r\n".into())]);
    // The names of blobs do not change the octets, but the spec is the same.
    let again = try_render(spec(&json), &vec![("m".into(), inner.clone())]);
    assert!(matches!(again, Err(BodyError::Rejected(_))));
    let mut other = json;
    other["headers"][0][1] = "other@x".into();
    assert!(try_render(spec(&other), &vec![("m".into(), inner)]).is_ok());
}

#[tokio::test]
async fn parts_are_rendered_while_they_grow() {
    let json =
        json!({"file_attachments": [{"content_type": "image/png", "content": {"create_id": "a"}}]});
    let (mut writer, blob) = BlobPool::default().create();
    let composition = Composition::new(Arc::new(spec(&json)), [("a".into(), blob)]).unwrap();
    let mut body = Body::from(composition);
    assert_eq!(body.len(), None);
    body.prepend("X: y\r\n".into());
    assert_eq!(body.next().await.unwrap().unwrap(), "X: y\r\n");
    assert!(body.is_composition());
    let header = body.next().await.unwrap().unwrap();
    assert!(header.ends_with(b"base64\r\n\r\n"), "{header:?}");
    assert!(!body.is_composition());
    writer.append(vec![0; 58].into()).await.unwrap();
    let line = format!("{}\r\n", "A".repeat(76));
    assert_eq!(body.next().await.unwrap().unwrap(), line);
    drop(writer);
    assert!(body.next().await.unwrap_err().is_aborted());
    assert!(body.next().await.unwrap_err().is_aborted());
}

#[test]
fn a_composition_can_be_taken_out_as_long_as_nothing_was_read() {
    let made = || composition(spec(&example()), &example_blobs());
    let mut body = Body::from(made());
    body.prepend("b".into());
    body.prepend("a".into());
    let body = body.into_blob().unwrap_err();
    let (prefix, taken) = body.into_composition().unwrap();
    assert_eq!(prefix, ["a", "b"]);
    assert_eq!(taken.spec(), made().spec());
    let whole = now(Body::from_composition(prefix, taken).collect(9999)).unwrap();
    assert_eq!(
        whole,
        [b"ab", &render(&example(), &example_blobs())[..]].concat()
    );
    let mut read = Body::from(made());
    now(read.next()).unwrap();
    assert!(read.into_composition().is_err());
    assert!(Body::from(Bytes::from("a")).into_composition().is_err());
    let changed = Body::from(made()).map(Ok::<_, Rejection>);
    assert!(changed.into_composition().is_err());
}
