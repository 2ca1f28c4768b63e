//! The cost of a transaction, and of each filter that it passes.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use koukan_core::{
    middleware::{Next, from_fn},
    reply::Reply,
    service::{BoxMailLayer, BoxMailService},
    test_util::{Script, mail, rcpt, send},
    transaction::Transaction,
};
use tower::{BoxError, Layer};

async fn pass(tx: Transaction, next: Next) -> Result<Reply, BoxError> {
    next.run(tx).await
}

fn chain(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let message = bytes::Bytes::from("x".repeat(5_000));
    let mut group = criterion.benchmark_group("chain");
    for depth in [0, 1, 4, 16] {
        group.bench_function(BenchmarkId::from_parameter(depth), |bencher| {
            bencher.to_async(&runtime).iter(|| {
                let layer = BoxMailLayer::new(from_fn(pass));
                let endpoint = BoxMailService::new(Script::new());
                let service = (0..depth).fold(endpoint, |inner, _| layer.layer(inner));
                send(service, mail("a@x"), [rcpt("b@y")], message.clone())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, chain);
criterion_main!(benches);
