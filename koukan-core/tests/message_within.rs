//! Nested messages, and the content of notifications.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod message;

use bytes::Bytes;
use koukan_core::message::{
    builder::Spec,
    parser::{ParseLimits, ParsedMessage, parse},
};
use serde_json::{Value, json};

use self::message::{flat, message};

fn parsed(message: impl Into<Bytes>) -> ParsedMessage {
    let parsed = parse(message.into(), &ParseLimits::default());
    // Whatever the message, it can be sent on as it is.
    Spec::from_json(&flat(&parsed)).unwrap();
    parsed
}

#[test]
fn attached_messages_stay_as_they_are() {
    let message = message("attached_message");
    let parsed = parsed(message.clone());
    let attached = &parsed.json["file_attachments"][0];
    assert_eq!(attached["content_type"], "message/rfc822");
    assert_eq!(attached["filename"], "hello.eml");
    assert_eq!(attached["content"]["create_id"], "part1");
    let octets = &parsed.blobs[0].1;
    assert!(octets.starts_with(b"From: c@") && octets.ends_with(b"\r\n--in--"));
    // Without a copy.
    let within = message.as_ptr_range();
    assert!(within.contains(&octets.as_ptr()));
    let digest = self::parsed(self::message("digest")).json;
    assert_eq!(
        digest["parts"]["parts"][1]["content_type"],
        "message/rfc822"
    );
    assert_eq!(digest["file_attachments"].as_array().unwrap().len(), 2);
}

#[test]
fn an_attached_message_is_taken_apart_and_stays_as_it_is() {
    let json = parsed(message("attached_message")).json;
    let attached = &json["parts"]["parts"][1];
    assert_eq!(attached["content"], json["file_attachments"][0]["content"]);
    let within = &attached["parts"][0];
    assert_eq!(within["headers"][1], json!(["subject", "hello"]));
    assert_eq!(within["parts"][0]["content"]["inline"], "grün");
    let digest = parsed(message("digest")).json;
    let first = &digest["parts"]["parts"][0]["parts"][0];
    assert_eq!(first["headers"][1], json!(["subject", "one"]));
}

#[test]
fn a_message_in_a_message_in_a_message_is_uploaded_once() {
    let wrap = |inner: &str| format!("Content-Type: message/rfc822\r\n\r\n{inner}");
    let inner = wrap("Content-Type: application/pdf\r\n\r\nPDF");
    let parsed = parsed(wrap(&inner));
    let names: Vec<_> = parsed.blobs.iter().map(|(_, octets)| &octets[..]).collect();
    assert_eq!(names, [inner.as_bytes(), b"PDF"]);
    let within = &parsed.json["parts"]["parts"][0];
    assert_eq!(within["content"], Value::Null);
    assert_eq!(within["parts"][0]["content_type"], "application/pdf");
}

#[test]
fn messages_within_messages_do_not_take_the_room_of_the_parts() {
    let inner = "--i\r\n\r\nx\r\n".repeat(9);
    let inner = format!("Content-Type: multipart/mixed; boundary=i\r\n\r\n{inner}--i--\r\n");
    let body =
        format!("--b\r\nContent-Type: message/rfc822\r\n\r\n{inner}--b\r\n\r\nlast\r\n--b--\r\n");
    let message = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{body}");
    let limits = ParseLimits::default().with_max_parts(5);
    let json = parse(message.into(), &limits).json;
    assert_eq!(json["parts"]["parts"][1]["content"]["inline"], "last");
}

#[test]
fn a_notification_tells_what_became_of_each_recipient() {
    let parsed = parsed(message("report"));
    let expected = json!({
        "reporting_mta": "mx.example.com",
        "recipients": [{"final_recipient": "bob@example.net", "action": "failed", "status": "5.1.1"}],
    });
    assert_eq!(parsed.json["delivery_status"], expected);
    let parts = parsed.json["parts"]["parts"].as_array().unwrap();
    assert_eq!(parts[1]["delivery_status"], expected);
    assert_eq!(parts[1]["content"]["create_id"], "part1");
    // The header of the original message.
    assert_eq!(parts[2]["content"]["inline"], "Subject: hi");
    let header = &parts[2]["parts"][0]["headers"];
    assert_eq!(header[0], json!(["subject", "hi"]));
}

#[test]
fn a_notification_in_an_attached_message_is_not_one_of_the_message() {
    let report = String::from_utf8(message("report").to_vec()).unwrap();
    let json = parsed(format!("Content-Type: message/rfc822\r\n\r\n{report}")).json;
    assert_eq!(json["delivery_status"], Value::Null);
    let within = &json["parts"]["parts"][0]["parts"][1];
    assert_eq!(
        within["delivery_status"]["recipients"][0]["status"],
        "5.1.1"
    );
}

/// Receivers look at each node for `parts`, or else for a content that is not empty.
#[test]
fn every_leaf_has_a_content() {
    fn check(node: &Value) {
        match node["parts"].as_array() {
            Some(nodes) => nodes.iter().for_each(check),
            None => assert!(node["content"].is_object(), "{node}"),
        }
    }
    for name in ["report", "attached_message", "digest", "related_and_files"] {
        check(&parsed(message(name)).json["parts"]);
    }
    let headers = "Content-Type: text/rfc822-headers\r\n\r\nSubject: hi\r\n";
    let parsed = parsed(headers);
    let within = &parsed.json["parts"]["parts"][0];
    assert_eq!(within["content"]["create_id"], "part1");
    assert_eq!(parsed.blobs[0].1, "");
}
