//! The cost of splitting a message by recipients.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use koukan_core::{
    blob::BlobPool,
    stage::exploder::{Exploder, ReplyPolicy},
    test_util::{Script, mail, rcpt, send},
};

fn exploder(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let message = bytes::Bytes::from("x".repeat(5_000));
    let mut group = criterion.benchmark_group("exploder");
    for recipients in [1_u64, 10, 100] {
        group.throughput(Throughput::Elements(recipients));
        group.bench_function(BenchmarkId::from_parameter(recipients), |bencher| {
            bencher.to_async(&runtime).iter(|| {
                let exploder =
                    Exploder::new(Script::new(), ReplyPolicy::Ingress, BlobPool::default());
                let to = (0..recipients).map(|_| rcpt("b@y"));
                send(exploder, mail("a@x"), to, message.clone())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, exploder);
criterion_main!(benches);
