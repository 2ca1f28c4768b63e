//! What it costs to build a message and to take one apart.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::sync::Arc;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use koukan_core::{
    blob::Blob,
    body::Body,
    message::{
        builder::{Composition, Spec},
        parser::{ParseLimits, parse},
    },
};
use serde_json::{Value, json};

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

/// A message with an attachment of so many octets.
fn composition(octets: usize) -> Composition {
    let spec = Arc::new(Spec::from_json(&letter()).unwrap());
    let octets: Bytes = (0..octets).map(|i| (i * 7 + i / 251) as u8).collect();
    Composition::new(spec, [("a".into(), Blob::from_bytes(octets))]).unwrap()
}

fn message(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut group = criterion.benchmark_group("message");
    group.bench_function("read_spec", |bencher| {
        let json = letter();
        bencher.iter(|| Spec::from_json(&json).unwrap());
    });
    for octets in [1_000, 1_000_000] {
        let composition = composition(octets);
        let whole = Body::from(composition.clone()).collect(usize::MAX);
        let whole = runtime.block_on(whole).unwrap();
        group.throughput(Throughput::Bytes(whole.len() as u64));
        group.bench_function(BenchmarkId::new("build", octets), |bencher| {
            bencher
                .to_async(&runtime)
                .iter(|| Body::from(composition.clone()).discard());
        });
        group.bench_function(BenchmarkId::new("parse", octets), |bencher| {
            bencher.iter(|| parse(whole.clone(), &ParseLimits::default()));
        });
    }
    group.finish();
}

criterion_group!(benches, message);
criterion_main!(benches);
