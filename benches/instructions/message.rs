//! Messages built of a description, and taken apart.

use std::{hint::black_box, sync::Arc};

use bytes::Bytes;
use koukan_core::{
    blob::Blob,
    body::Body,
    message::{
        builder::{Composition, Spec},
        parser::{ParseLimits, parse},
    },
};
use serde_json::{Value, json};

use crate::runtime::block_on;

const ATTACHMENT: usize = 100_000;

/// A letter in two alternatives with an attachment of 100 KB, read to its end.
pub(crate) fn build(times: usize) {
    let composition = composition();
    block_on(async {
        for _ in 0..times {
            let discarded = Body::from(composition.clone()).discard().await;
            discarded.expect("blobs do not fail");
        }
    });
}

/// The same letter, into JSON and blobs.
pub(crate) fn parse_whole(times: usize) {
    block_on(async {
        let whole = Body::from(composition()).collect(usize::MAX).await;
        let whole = whole.expect("blobs do not fail");
        for _ in 0..times {
            black_box(parse(whole.clone(), &ParseLimits::default()));
        }
    });
}

fn composition() -> Composition {
    let spec = Spec::from_json(&letter()).expect("a good description");
    let octets: Bytes = (0..ATTACHMENT).map(|i| (i * 7 + i / 251) as u8).collect();
    let parts = [("a".into(), Blob::from_bytes(octets))];
    Composition::new(Arc::new(spec), parts).expect("all parts are there")
}

fn letter() -> Value {
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
