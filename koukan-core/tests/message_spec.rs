//! Specs: which are accepted, which are refused, and the errors.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod message;

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use koukan_core::{
    blob::Blob,
    message::builder::{Composition, Spec, Unresolved},
};
use serde_json::{Value, json};

use self::message::{render, spec, try_render};

#[test]
fn what_is_wrong_is_told_with_its_path() {
    let part = |part: Value| json!({"text_body": [part]});
    let plain = |content: Value| part(json!({"content_type": "text/plain", "content": content}));
    let header = |name: &str, value: Value| json!({"headers": [["x", "y"], [name, value]]});
    for (json, path) in [
        (json!([]), ""),
        (json!({"body": []}), "body"),
        (json!({"headers": {}}), "headers"),
        (json!({"headers": [["x"]]}), "headers[0]"),
        (header("x y", json!("")), "headers[1][0]"),
        (header("", json!("")), "headers[1][0]"),
        (header("x:y", json!("")), "headers[1][0]"),
        (header("x\r\ny", json!("")), "headers[1][0]"),
        (header("ü", json!("")), "headers[1][0]"),
        (header("Content-Type", json!("text/html")), "headers[1][0]"),
        (header("mime-version", json!("1.0")), "headers[1][0]"),
        (
            header("content-transfer-encoding", json!("8bit")),
            "headers[1][0]",
        ),
        (header("subject", json!(1)), "headers[1][1]"),
        (header("subject", json!(null)), "headers[1][1]"),
        (header("subject", json!("a\r\nBcc: b")), "headers[1][1]"),
        (header("subject", json!("a\nb")), "headers[1][1]"),
        (header("subject", json!("a\0b")), "headers[1][1]"),
        (header("subject", json!("a\u{85}b")), "headers[1][1]"),
        (
            header("subject", json!("x".repeat(40_000))),
            "headers[1][1]",
        ),
        (header("from", json!("a@b")), "headers[1][1]"),
        (header("from", json!([])), "headers[1][1]"),
        (
            header("from", json!([{"address": "a"}])),
            "headers[1][1][0].address",
        ),
        (
            header("from", json!({"address": "a@b\r\nx: y"})),
            "headers[1][1].address",
        ),
        (
            header("from", json!([{"display_name": "a"}])),
            "headers[1][1][0]",
        ),
        (
            header(
                "from",
                json!([{"display_name": "a\r\nb", "address": "a@b"}]),
            ),
            "headers[1][1][0].display_name",
        ),
        (
            header("from", json!([{"name": "a", "address": "a@b"}])),
            "headers[1][1][0].name",
        ),
        (
            header("sender", json!([{"address": "a@b"}, {"address": "a@b"}])),
            "headers[1][1]",
        ),
        (header("date", json!({})), "headers[1][1]"),
        (
            header("date", json!({"unix_secs": "1"})),
            "headers[1][1].unix_secs",
        ),
        (
            header("date", json!({"unix_secs": 1.5})),
            "headers[1][1].unix_secs",
        ),
        (
            header("date", json!({"unix_secs": i64::MAX})),
            "headers[1][1]",
        ),
        (
            header("date", json!({"unix_secs": 0, "tz_offset": 100_000})),
            "headers[1][1]",
        ),
        (header("message-id", json!(["a", "b"])), "headers[1][1]"),
        (header("message-id", json!(["a b"])), "headers[1][1][0]"),
        (
            header("references", json!(["a@b", "a>\r\nx: y"])),
            "headers[1][1][1]",
        ),
        (header("X", json!(["y"])), "headers[1][1]"),
        // Values that a field cannot express.
        (header("auto-submitted", json!("grün")), "headers[1][1]"),
        (header("Errors-To", json!("grün")), "headers[1][1]"),
        (header("resent-date", json!("grün")), "headers[1][1]"),
        (
            header("resent-message-id", json!(["a", "b"])),
            "headers[1][1]",
        ),
        (
            header(
                "resent-sender",
                json!([{"address": "a@b"}, {"address": "c@d"}]),
            ),
            "headers[1][1]",
        ),
        (
            header(
                "list-unsubscribe",
                json!(format!("<https://x/{}>", "x".repeat(900))),
            ),
            "headers[1][1]",
        ),
        (
            json!({"headers": [["To", {"address": "a@b"}], ["to", {"address": "a@b"}]]}),
            "headers[1]",
        ),
        (part(json!({"content_type": "text/plain"})), "text_body[0]"),
        (part(json!({"content": {"inline": ""}})), "text_body[0]"),
        (
            part(json!({"content_type": "text", "content": {"inline": ""}})),
            "text_body[0].content_type",
        ),
        (
            part(json!({"content_type": "text/plain\r\nx: y", "content": {"inline": ""}})),
            "text_body[0].content_type",
        ),
        (
            part(json!({"content_type": "text/plain; x", "content": {"inline": ""}})),
            "text_body[0].content_type",
        ),
        (
            part(json!({"content_type": "text/plain; x=\"", "content": {"inline": ""}})),
            "text_body[0].content_type",
        ),
        (
            part(json!({"content_type": "text/plain; x=y z", "content": {"inline": ""}})),
            "text_body[0].content_type",
        ),
        (
            part(json!({"content_type": "text/plain; x=1; X=2", "content": {"inline": ""}})),
            "text_body[0].content_type",
        ),
        (
            part(json!({"content_type": "multipart/mixed; boundary=x", "content": {"inline": ""}})),
            "text_body[0].content_type",
        ),
        (
            part(json!({"content_type": "text/plain", "parts": []})),
            "text_body[0].parts",
        ),
        (
            part(
                json!({"content_type": "text/plain", "content": {"inline": ""}, "filename": "a\r\nb"}),
            ),
            "text_body[0].filename",
        ),
        (
            part(
                json!({"content_type": "text/plain", "content": {"inline": ""}, "content_id": "a b"}),
            ),
            "text_body[0].content_id",
        ),
        (
            part(json!({"content_type": "message/rfc822", "content": {"inline": "\0"}})),
            "text_body[0].content",
        ),
        (plain(json!({})), "text_body[0].content"),
        (
            plain(json!({"inline": "", "create_id": "a"})),
            "text_body[0].content",
        ),
        (plain(json!({"inline": 1})), "text_body[0].content.inline"),
        (plain(json!({"text": ""})), "text_body[0].content.text"),
        (
            plain(json!({"create_id": ""})),
            "text_body[0].content.create_id",
        ),
        (
            plain(json!({"create_id": ".."})),
            "text_body[0].content.create_id",
        ),
        (
            plain(json!({"create_id": "a/b"})),
            "text_body[0].content.create_id",
        ),
        (
            plain(json!({"create_id": "ü"})),
            "text_body[0].content.create_id",
        ),
        (
            plain(json!({"reuse_uri": "/a b"})),
            "text_body[0].content.reuse_uri",
        ),
    ] {
        let error = Spec::from_json(&json).unwrap_err();
        assert_eq!(&*error.path, path, "{json}: {error}");
        assert!(!error.to_string().contains(['\r', '\n', '\0']), "{error}");
    }
    let error = Spec::from_json(&header("date", json!({"unix_secs": "1"}))).unwrap_err();
    let text = "headers[1][1].unix_secs: must be a whole number of seconds, not a string";
    assert_eq!(error.to_string(), text);
}

#[test]
fn there_may_not_be_too_much() {
    let part = json!({"content_type": "text/plain", "content": {"inline": "x".repeat(9 << 20)}});
    let small = json!({"content_type": "text/plain", "content": {"inline": ""}});
    let field = |length| json!(["x", "y".repeat(length)]);
    for json in [
        json!({"headers": vec![field(1); 1001]}),
        json!({"headers": vec![field(30_000); 9]}),
        json!({"file_attachments": vec![small; 1001]}),
        json!({"text_body": [part, part]}),
    ] {
        assert!(Spec::from_json(&json).is_err());
    }
}

#[test]
fn what_is_harmless_is_taken() {
    let json = json!({
        "headers": [
            ["FROM", {"address": "a@b", "display_name": ""}],
            ["Date", {"unix_secs": 0}],
            ["Message-Id", "<a@b>"],
            ["X-Tab", "a\tb"],
        ],
        "text_body": [{"content_type": "Text/Plain; Charset=koi8-r; x=a/b", "content": {"inline": "ü"}}],
    });
    let expected = "FROM: a@b\r\n\
        Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n\
        Message-Id: <a@b>\r\n\
        X-Tab: a b\r\n\
        MIME-Version: 1.0\r\n\
        Content-Type: text/plain; charset=utf-8; x=\"a/b\"\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nw7w=\r\n";
    assert_eq!(render(&json, &vec![]), expected);
}

#[test]
fn names_of_parts_are_listed_once_and_uris_are_replaced() {
    let part = |content: Value| json!({"content_type": "image/png", "content": content});
    let mut spec = spec(&json!({
        "related_attachments": [part(json!({"create_id": "b"})), part(json!({"reuse_uri": "/t/blob/x"}))],
        "file_attachments": [
            part(json!({"create_id": "a"})),
            part(json!({"reuse_uri": "/t/blob/x"})),
            part(json!({"create_id": "b"})),
        ],
    }));
    assert_eq!(spec.create_ids(), ["b", "a"]);
    assert_eq!(spec.reuses(), [("/t/blob/x", None)]);
    let blobs = || ["a", "b", "other"].map(|id| (id.into(), Blob::from_bytes(Bytes::new())));
    let unresolved = Composition::new(Arc::new(spec.clone()), blobs());
    assert_eq!(
        unresolved.unwrap_err(),
        Unresolved::ReuseUri("/t/blob/x".into())
    );
    assert_eq!(spec.replace_reuse_uris(|uri, _| Err(uri.len())), Err(9));
    spec.replace_reuse_uris(|_, _| Ok::<_, ()>("c".into()))
        .unwrap();
    assert_eq!(
        (spec.create_ids(), spec.reuses()),
        (vec!["b", "c", "a"], vec![])
    );
    let missing = Composition::new(Arc::new(spec.clone()), blobs());
    assert_eq!(missing.unwrap_err(), Unresolved::CreateId("c".into()));
}

#[test]
fn what_the_next_hop_must_offer_is_told() {
    let with = |name: &str, value: Value| spec(&json!({"headers": [[name, value]]}));
    assert!(!with("from", json!({"address": "a@b", "display_name": "ü"})).needs_smtputf8());
    assert!(!with("bcc", json!({"address": "ü@b"})).needs_smtputf8());
    assert!(!with("subject", json!("ü")).needs_8bitmime());
    assert!(with("from", json!({"address": "ü@b"})).needs_smtputf8());
    assert!(with("from", json!({"address": "a@ü"})).needs_8bitmime());
    assert!(with("references", json!(["ü@b"])).needs_smtputf8());
    assert!(with("resent-to", json!("A <ü@b>")).needs_smtputf8());
    assert!(!with("resent-bcc", json!("A <ü@b>")).needs_smtputf8());
    assert!(!with("list-id", json!("Ü <l.x>")).needs_8bitmime());
    let attached = json!({"content_type": "message/rfc822", "content": {"create_id": "a"}});
    let attached = spec(&json!({"file_attachments": [attached]}));
    assert!(attached.needs_8bitmime() && !attached.needs_smtputf8());
}

#[test]
fn what_a_parser_found_out_is_no_part_of_a_spec() {
    let json = json!({"headers": [], "delivery_status": {"recipients": []}});
    assert_eq!(spec(&json), spec(&json!({})));
}

#[test]
fn a_completed_spec_renders_the_same_each_time() {
    let mut completed = spec(&json!({"headers": [["subject", "x"]]}));
    completed.complete(Timestamp::UNIX_EPOCH, "mx.example.com", "u<\r\n>1");
    let json = completed.to_json();
    assert_eq!(
        json["headers"][2],
        json!(["message-id", ["u1@mx.example.com"]])
    );
    completed.complete(Timestamp::now(), "other", "u2");
    assert_eq!(completed.to_json(), json);
    let rendered = try_render(completed, &vec![]).unwrap();
    assert_eq!(rendered, render(&json, &vec![]));
}

#[test]
fn what_a_field_has_no_way_to_say_is_refused() {
    for (name, value) in [
        ("resent-date", "yesterday"),
        ("reply-by", "gestern"),
        ("control", "cancel <ü@x>"),
        ("newsgroups", "grün.x"),
        ("followup-to", "grün.x"),
        ("distribution", "grün"),
        ("encrypted", "grün"),
        ("message-context", "grün"),
        ("vbr-info", "md=grün.x"),
        ("jabber-id", "ü@x"),
        ("solicitation", "grün"),
        ("approved", "grün"),
        ("x-original-to", "<a@x>; ü@"),
    ] {
        let json = json!({"headers": [[name, value]]});
        let refused = Spec::from_json(&json).unwrap_err();
        assert_eq!(&*refused.path, "headers[0][1]", "{name}: {value}");
        // A value that it can express is accepted.
        let json = json!({"headers": [[name, "6 Mar 2024 10:42 +0000"]]});
        assert!(Spec::from_json(&json).is_ok(), "{name}");
    }
}
