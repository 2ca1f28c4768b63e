//! The cost of building and of parsing a message.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

#[path = "../letter/mod.rs"]
mod letter;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use koukan_core::{
    body::Body,
    message::{
        builder::Spec,
        parser::{ParseLimits, parse},
    },
};

use self::letter::{composition, letter};

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
