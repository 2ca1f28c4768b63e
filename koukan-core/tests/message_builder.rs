//! Messages from specs, read by parsers that others wrote.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod message;

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use koukan_core::{
    blob::BlobPool,
    body::{Body, BodyError},
    message::builder::Composition,
    reply::{Rejection, Reply},
};
use mail_parser::{MessageParser, MimeHeaders};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};

use self::message::{
    any_spec::{any_line, any_spec, any_text},
    check_lines, composition, header_names, now, python, render, spec, try_render,
};

/// The example of the documentation of the API.
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

/// Fields that have a grammar of their own, as Python reads them.
#[test]
fn python_reads_structured_fields() {
    let json = json!({"headers": [
        ["resent-to", "Jörg, K <j@x.org>"],
        ["resent-from", [{"display_name": "Ä B", "address": "a@x.org"}]],
        ["list-id", "Grüße an alle <list.example.com>"],
        ["list-unsubscribe", format!("<https://x.org/{}>, <mailto:a@x.org>", "a".repeat(200))],
        ["disposition-notification-to", "Ü <u@x.org>"],
    ]});
    let message = render(&json, &vec![]);
    check_lines(&message);
    assert!(message.is_ascii());
    let described = &python::describe([&message[..]])[0];
    assert_eq!(described["defects"], json!([]));
    let headers = described["headers"].as_array().unwrap();
    let said = json["headers"].as_array().unwrap();
    for (header, said) in headers.iter().zip(said) {
        let expected = match said[0].as_str().unwrap() {
            "resent-to" => "\"Jörg, K\" <j@x.org>",
            "resent-from" => "Ä B <a@x.org>",
            _ => said[1].as_str().unwrap(),
        };
        assert_eq!(header[1], expected);
    }
}

fn example_blobs() -> message::Blobs {
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
            // The order says which is preferred: the last.
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
    // The names of blobs do not make the octets, but the spec is the same.
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

proptest! {
    #[test]
    fn whatever_is_said_is_read_by_others((json, blobs) in any_spec()) {
        let message = render(&json, &blobs);
        check_lines(&message);
        // No header field but those that were asked for.
        let mut expected: Vec<String> = json["headers"].as_array().unwrap().iter()
            .map(|header| header[0].as_str().unwrap().to_ascii_lowercase())
            .filter(|name| name != "bcc")
            .collect();
        expected.extend(["mime-version".into(), "content-type".into()]);
        let mut names = header_names(&message);
        names.retain(|name| !matches!(&**name, "content-transfer-encoding" | "content-disposition" | "content-id"));
        prop_assert_eq!(names, expected);
        let parsed = MessageParser::default().parse(&message[..]).unwrap();
        let leaves: Vec<_> = parsed.parts.iter().filter(|part| !part.is_multipart()).collect();
        let asked = |key: &str| json[key].as_array().unwrap().clone();
        let count = asked("text_body").len() + asked("related_attachments").len() + asked("file_attachments").len();
        prop_assert_eq!(leaves.len(), count.max(1));
        let files = asked("file_attachments");
        for (file, leaf) in files.iter().rev().zip(leaves.iter().rev()) {
            let expected = match file["content"]["create_id"].as_str() {
                Some(id) => blobs.iter().find(|(other, _)| **other == *id).unwrap().1.clone(),
                None => file["content"]["inline"].as_str().unwrap().to_owned().into(),
            };
            if !file["content_type"].as_str().unwrap().starts_with("text/") {
                prop_assert_eq!(leaf.contents(), &expected[..]);
            }
            prop_assert_eq!(leaf.content_disposition().unwrap().ctype(), "attachment");
        }
        // The spec says the same in JSON.
        let read = spec(&json);
        prop_assert_eq!(&read, &spec(&read.to_json()));
    }

    #[test]
    fn chunks_of_blobs_make_no_difference(
        octets in proptest::collection::vec(any::<u8>(), 0..5000),
        length in 1_usize..600,
    ) {
        let json = json!({"text_body": [{"content_type": "image/png", "content": {"create_id": "a"}}]});
        let whole = render(&json, &vec![("a".into(), octets.clone().into())]);
        let in_chunks = now(async {
            let (mut writer, blob) = BlobPool::default().create();
            for chunk in octets.chunks(length) {
                writer.append(Bytes::copy_from_slice(chunk)).await.unwrap();
            }
            writer.finish();
            let composition = Composition::new(Arc::new(spec(&json)), [("a".into(), blob)]).unwrap();
            Body::from(composition).collect(1 << 20).await.unwrap()
        });
        prop_assert_eq!(&whole, &in_chunks);
        let text = std::str::from_utf8(&whole).unwrap();
        let (_, encoded) = text.split_once("\r\n\r\n").unwrap();
        prop_assert_eq!(encoded.replace("\r\n", ""), STANDARD.encode(octets));
    }
}

/// Python takes blanks at the ends, and several in a row, for fewer.
fn with_single_spaces(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn python_reads_what_was_said() {
    let octets = proptest::collection::vec(any::<u8>(), 0..500);
    let line = || any_line().prop_map(|line| with_single_spaces(&line));
    let strategy = (line(), line(), line(), any_text(), octets);
    let mut runner = TestRunner::deterministic();
    let cases: Vec<_> = (0..300)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect();
    let messages: Vec<_> = cases
        .iter()
        .map(|(subject, name, filename, text, octets)| {
            let filename = format!("x{filename}");
            let json = json!({
                "headers": [["subject", subject],
                    ["to", [{"display_name": name, "address": "a.b@example.com"}, {"address": "c@example.com"}]]],
                "text_body": [{"content_type": "text/plain", "content": {"inline": text}}],
                "file_attachments": [{"content_type": "application/pdf", "filename": filename, "content": {"create_id": "o"}}],
            });
            render(&json, &vec![("o".into(), octets.clone().into())])
        })
        .collect();
    let described = python::describe(messages.iter().map(|message| &message[..]));
    for ((case, message), got) in cases.iter().zip(&messages).zip(described) {
        let (subject, name, filename, text, octets) = case;
        let message = String::from_utf8_lossy(message);
        assert_eq!(got["subject"], **subject, "{message}");
        let to = &got["addresses"]["to"];
        assert_eq!(to[1], json!(["", "c@example.com"]), "{message}");
        assert_eq!(to[0][1], "a.b@example.com", "{message}");
        // Python puts a space between encoded words of a name, which RFC 2047 section 6.2 forbids.
        let without_spaces = |name: &str| name.replace(' ', "");
        let got_name = without_spaces(to[0][0].as_str().unwrap());
        assert_eq!(got_name, without_spaces(name), "{message}");
        assert_eq!(
            got["parts"][1]["filename"],
            format!("x{filename}"),
            "{message}"
        );
        assert_eq!(
            python::content(&got["parts"][0]),
            text.as_bytes(),
            "{message}"
        );
        assert_eq!(python::content(&got["parts"][1]), &octets[..], "{message}");
        assert_eq!(got["defects"], json!([]), "{message}");
    }
}

/// The message whose text was uploaded.
fn with_uploaded(list: &str, octets: &[u8]) -> String {
    let part = json!({"content_type": "text/plain", "content": {"create_id": "t"}});
    let message = render(
        &json!({list: [part]}),
        &vec![("t".into(), octets.to_vec().into())],
    );
    String::from_utf8(message.to_vec()).unwrap()
}

#[test]
fn a_small_text_that_was_uploaded_is_encoded_as_an_inline_one() {
    for (text, encoding, expected) in [
        ("hello\nworld\n", "7bit", "\r\n\r\nhello\r\nworld\r\n"),
        (
            "grüße an alle, die das hier lesen",
            "quoted-printable",
            "gr=C3=BC=C3=9Fe an alle, die das hier lesen\r\n",
        ),
        ("", "7bit", "\r\n\r\n"),
    ] {
        let message = with_uploaded("text_body", text.as_bytes());
        let field = format!("Content-Transfer-Encoding: {encoding}\r\n");
        assert!(message.contains(&field), "{message}");
        assert!(message.ends_with(expected), "{message}");
    }
}

#[test]
fn what_is_no_small_text_stays_base64() {
    let field = "Content-Transfer-Encoding: base64\r\n";
    for octets in [&b"\xff\xfe"[..], "x\r\n".repeat(20_000).as_bytes()] {
        let message = with_uploaded("text_body", octets);
        assert!(message.contains(field), "{}", &message[..200]);
    }
    // Of a file, each octet is to stay as it is.
    assert!(with_uploaded("file_attachments", b"a\nb\n").contains(field));
    assert!(with_uploaded("file_attachments", b"a\r\nb\r\n").contains("7bit"));
}

#[test]
fn content_may_come_as_base64() {
    let part =
        |kind: &str, octets: &str| json!({"content_type": kind, "content": {"base64": octets}});
    let json = json!({
        "text_body": [part("text/plain", "aGVsbG8K")],
        "file_attachments": [part("image/png", "AP8Q")],
    });
    let message = render(&json, &vec![]);
    let message = String::from_utf8(message.to_vec()).unwrap();
    assert!(message.contains("7bit\r\n\r\nhello\r\n"), "{message}");
    assert!(message.contains("base64\r\n\r\nAP8Q\r\n"), "{message}");
    // What is stored reads as the same.
    let spec = koukan_core::message::builder::Spec::from_json(&json).unwrap();
    assert_eq!(spec.to_json(), json);
    for wrong in ["A", "AP8", "AP8Q\n", "AP_Q"] {
        let json = json!({"file_attachments": [part("image/png", wrong)]});
        let error = koukan_core::message::builder::Spec::from_json(&json).unwrap_err();
        assert_eq!(
            &*error.path, "file_attachments[0].content.base64",
            "{wrong:?}"
        );
    }
}

#[test]
fn what_a_receiver_was_given_can_be_sent_on_as_it_is() {
    let message =
        b"Subject: hi\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\n\r\nhello\r\n--b\r\nContent-Type: text/plain\r\n\r\n\r\n--b--\r\n";
    let parsed = koukan_core::message::parser::parse(
        bytes::Bytes::from_static(message),
        &koukan_core::message::parser::ParseLimits::default(),
    );
    assert!(parsed.json.get("parts").is_some());
    // An empty text is a blob: applications take an empty inline one for missing.
    assert_eq!(parsed.blobs.len(), 1);
    assert!(parsed.blobs[0].1.is_empty());
    let blobs = parsed.blobs.to_vec();
    let again = render(&parsed.json, &blobs);
    assert!(String::from_utf8_lossy(&again).contains("hello"));
}
