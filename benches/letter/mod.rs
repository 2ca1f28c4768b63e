//! The message that benchmarks build and parse.

use std::sync::Arc;

use bytes::Bytes;
use koukan_core::{
    blob::Blob,
    message::builder::{Composition, Spec},
};
use serde_json::{Value, json};

/// The message, with an attachment of this many octets.
pub(crate) fn composition(octets: usize) -> Composition {
    let spec = Spec::from_json(&letter()).expect("a good description");
    let octets: Bytes = (0..octets).map(|i| (i * 7 + i / 251) as u8).collect();
    let parts = [("a".into(), Blob::from_bytes(octets))];
    Composition::new(Arc::new(spec), parts).expect("all parts are there")
}

/// Its description: two alternatives, and an attachment `a`.
pub(crate) fn letter() -> Value {
    json!({
        "headers": [
            ["from", [{"display_name": "Jörg Müller", "address": "joerg@example.com"}]],
            ["to", [{"address": "bob@example.com"}, {"address": "carol@example.com"}]],
            ["subject", "Grüße aus München"],
            ["date", {"unix_secs": 1_709_750_551, "tz_offset": 3600}],
            ["message-id", ["abc@example.com"]]
        ],
        "text_body": [
            {"content_type": "text/plain", "content": {"inline": "Grüße\n".repeat(50)}},
            {"content_type": "text/html", "content": {"inline": "<p>Grüße</p>\n".repeat(50)}}
        ],
        "file_attachments": [
            {"content_type": "application/pdf", "filename": "a.pdf", "content": {"create_id": "a"}}
        ]
    })
}
