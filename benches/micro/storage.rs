//! The cost of keeping a message: storage as the stages use it, over SQLite in the directory for
//! temporary files. The disk of that directory matters.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::join_all;
use jiff::Timestamp;
use koukan_core::{
    blob::{Blob, BlobPool, Limits},
    body::Body,
    clock::SystemClock,
    reply::Reply,
    storage::{
        AttemptEnd, Storage,
        record::{Attempt, Terms},
    },
    test_util::{context, mail, rcpt},
};
use koukan_storage::{SqliteBackend, TempSpill};
use tempfile::TempDir;
use tokio::{runtime::Runtime, time::Instant};

/// Octets that arrive at once, as from a socket.
const CHUNK: usize = 64 << 10;
/// A message that fits into memory, and one that is spilled.
const SIZES: [usize; 2] = [5_000, 500_000];

struct Bench {
    runtime: Runtime,
    storage: Storage,
    database: SqliteBackend,
    _directory: TempDir,
}

impl Bench {
    fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let directory = tempfile::tempdir().unwrap();
        let (storage, database) = runtime.block_on(async {
            let database = SqliteBackend::open(directory.path().join("queue.sqlite")).await;
            let database = database.unwrap();
            let spill = TempSpill::open(directory.path()).unwrap();
            let pool = BlobPool::new(Limits::default(), Arc::new(spill));
            let storage = Storage::open(Arc::new(database.clone()), pool, Arc::new(SystemClock));
            (storage.await.unwrap(), database)
        });
        Self {
            runtime,
            storage,
            database,
            _directory: directory,
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.runtime.block_on(self.database.close());
    }
}

/// Writes a message into a transaction as it arrives.
async fn append(storage: &Storage, message: &Bytes) -> Blob {
    let (mut writer, blob) = storage.pool().create();
    for chunk in message.chunks(CHUNK) {
        writer.append(message.slice_ref(chunk)).await.unwrap();
    }
    writer.finish();
    blob
}

/// Commits a message to the queue.
async fn create(storage: &Storage, message: &Bytes) {
    let (recorder, lease) = storage.begin(context(), mail("alice@example.org")).unwrap();
    // Nobody attempts it now.
    drop(lease);
    recorder.rcpt(rcpt("bob@example.com"));
    recorder.body(Vec::new(), append(storage, message).await);
    let taken = recorder.custody().take(Terms::default()).await;
    taken.unwrap();
}

/// Leases the next transaction, reads its message, and stores that it was delivered.
async fn attempt(storage: &Storage) {
    let lease = storage.lease_due(1, &[]).await.unwrap().pop().unwrap();
    let body = Body::from(lease.body().unwrap());
    body.discard().await.unwrap();
    let now = Timestamp::now();
    let attempt = Attempt {
        started: now,
        ended: now,
        mail_reply: Some(Reply::sender_ok()),
        recipient_replies: vec![Some(Reply::recipient_ok())],
        final_reply: Reply::message_accepted(),
        final_replies: Vec::new(),
        remote: None,
        shown: None,
        tls: None,
        conversation: None,
        suppresses: Vec::new(),
    };
    let end = AttemptEnd {
        attempt: Box::new(attempt),
        retry_at: None,
    };
    lease.finish(end).await.unwrap();
}

fn storage(criterion: &mut Criterion) {
    let bench = Bench::open();
    let (runtime, storage) = (&bench.runtime, &bench.storage);
    let mut group = criterion.benchmark_group("storage");
    group.sample_size(20);
    group.warm_up_time(Duration::from_secs(1));
    group.measurement_time(Duration::from_secs(3));
    for size in SIZES {
        let message = Bytes::from("x".repeat(size));
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("append_and_read", size), |bencher| {
            bencher.to_async(runtime).iter(|| async {
                let blob = append(storage, &message).await;
                Body::from(blob).discard().await.unwrap();
            });
        });
        group.bench_function(BenchmarkId::new("create", size), |bencher| {
            bencher.to_async(runtime).iter(|| create(storage, &message));
        });
    }
    group.finish();
}

/// Queued transactions are leased, read and settled, one after the other.
fn attempts(criterion: &mut Criterion) {
    let bench = Bench::open();
    let (runtime, storage) = (&bench.runtime, &bench.storage);
    let mut group = criterion.benchmark_group("storage");
    group.sample_size(10);
    group.warm_up_time(Duration::from_secs(1));
    group.measurement_time(Duration::from_secs(2));
    for size in SIZES {
        let message = Bytes::from("x".repeat(size));
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("attempt", size), |bencher| {
            bencher.iter_custom(|times| {
                runtime.block_on(async {
                    for _ in 0..times {
                        create(storage, &message).await;
                    }
                    let start = Instant::now();
                    for _ in 0..times {
                        attempt(storage).await;
                    }
                    start.elapsed()
                })
            });
        });
    }
    group.finish();
}

/// Messages that are stored at the same time share commits.
fn group_commit(criterion: &mut Criterion) {
    let bench = Bench::open();
    let message = Bytes::from("x".repeat(5_000));
    let mut group = criterion.benchmark_group("group_commit");
    group.sample_size(20);
    group.warm_up_time(Duration::from_secs(1));
    group.measurement_time(Duration::from_secs(3));
    for callers in [1_u64, 10, 50] {
        group.throughput(Throughput::Elements(callers));
        group.bench_function(BenchmarkId::from_parameter(callers), |bencher| {
            bencher.to_async(&bench.runtime).iter(|| async {
                let create = |_| create(&bench.storage, &message);
                join_all((0..callers).map(create)).await
            });
        });
    }
    group.finish();
}

criterion_group!(benches, storage, attempts, group_commit);
criterion_main!(benches);
