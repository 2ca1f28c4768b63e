//! How content is encoded, and which sources it may have.

use bytes::Bytes;
use koukan_core::message::{
    builder::Spec,
    parser::{ParseLimits, parse},
};
use serde_json::json;

use crate::message::render;

/// The message with an uploaded text.
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
    // Each octet of a file must stay as it is.
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
    // The stored form reads as the same spec.
    let spec = Spec::from_json(&json).unwrap();
    assert_eq!(spec.to_json(), json);
    for wrong in ["A", "AP8", "AP8Q\n", "AP_Q"] {
        let json = json!({"file_attachments": [part("image/png", wrong)]});
        let error = Spec::from_json(&json).unwrap_err();
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
    let parsed = parse(Bytes::from_static(message), &ParseLimits::default());
    assert!(parsed.json.get("parts").is_some());
    // An empty text is a blob: applications take an empty inline one for missing.
    assert_eq!(parsed.blobs.len(), 1);
    assert!(parsed.blobs[0].1.is_empty());
    let blobs = parsed.blobs.to_vec();
    let again = render(&parsed.json, &blobs);
    assert!(String::from_utf8_lossy(&again).contains("hello"));
}
