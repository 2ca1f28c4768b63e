//! How many operations a second the SQLite backend commits, and in how many commits.
//!
//! `cargo bench -p koukan-storage -- [DIRECTORY]`. Without a directory, the system's directory for
//! temporary files is used. The result depends on the medium that holds the directory.
#![allow(clippy::print_stdout, reason = "prints what it measured")]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use jiff::{Timestamp, ToSpan};
use koukan_core::{
    blob::BlobId,
    context::{ClientName, Context, Sender},
    path::ReversePath,
    reply::Reply,
    signals::Carried,
    storage::{
        Blobs, Queue, Retention, Sessions,
        record::{
            Attempt, BlobContent, Due, FinalReason, NewBody, NewTransaction, Recipient, SessionId,
            Settlement, Standing, Status, Terms, TransactionId, Work,
        },
    },
    transaction::{Mail, Rcpt},
};
use koukan_storage::SqliteBackend;
use tokio::time::Instant;
use tracing::{Level, Metadata, Subscriber, span};

const BODY: usize = 5 << 10;
const TIME: Duration = Duration::from_secs(4);

static COMMITS: AtomicU64 = AtomicU64::new(0);

#[tokio::main]
async fn main() {
    tracing::subscriber::set_global_default(CountCommits).expect("it is the first");
    let directory = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let directory = directory.map_or_else(std::env::temp_dir, Into::into);
    for callers in [1, 10, 50, 200] {
        inserts(&directory, callers).await;
    }
    life_cycle(&directory).await;
    large_bodies(&directory).await;
}

/// Small messages from `callers` callers. Each waits for the commit of one message before it sends
/// the next.
async fn inserts(directory: &Path, callers: usize) {
    let (backend, _directory) = open(directory).await;
    let body = Bytes::from(vec![b'x'; BODY]);
    let start = Instant::now();
    let commits = COMMITS.load(Ordering::Relaxed);
    let slowest = Arc::new(AtomicU64::new(0));
    let tasks = (0..callers).map(|_| {
        let (backend, body) = (backend.clone(), body.clone());
        let slowest = Arc::clone(&slowest);
        tokio::spawn(async move {
            let mut inserted = 0;
            while start.elapsed() < TIME {
                let before = Instant::now();
                backend
                    .insert(transaction(body.clone()))
                    .await
                    .expect("there is room");
                let took = before.elapsed().as_micros() as u64;
                slowest.fetch_max(took, Ordering::Relaxed);
                inserted += 1;
            }
            inserted
        })
    });
    let mut inserted = 0_u64;
    for task in tasks.collect::<Vec<_>>() {
        inserted += task.await.expect("it does not panic");
    }
    let seconds = start.elapsed().as_secs_f64();
    let commits = COMMITS.load(Ordering::Relaxed) - commits;
    println!(
        "insert, {callers:>3} callers: {:>6.0}/s, {:>5.0} commits/s, {:>5.1} each, {:>4.0} us mean, {:>6.1} ms at most",
        inserted as f64 / seconds,
        commits as f64 / seconds,
        inserted as f64 / commits as f64,
        seconds * 1e6 * callers as f64 / inserted as f64,
        slowest.load(Ordering::Relaxed) as f64 / 1e3,
    );
    backend.close().await;
}

/// Insert, lease, settle and collect, by 50 callers at the same time.
async fn life_cycle(directory: &Path) {
    const COUNT: usize = 20_000;
    let (backend, _directory) = open(directory).await;
    let session = SessionId::random();
    let now = Timestamp::UNIX_EPOCH;
    backend.open_session(session, now).await.expect("it is new");
    let body = Bytes::from(vec![b'x'; BODY]);

    let start = Instant::now();
    by_50((0..COUNT).map(|_| transaction(body.clone())), {
        let backend = backend.clone();
        move |new| {
            let backend = backend.clone();
            async move { backend.insert(new).await.expect("there is room") }
        }
    })
    .await;
    report("insert", COUNT, start);

    let start = Instant::now();
    let mut leased = Vec::new();
    while leased.len() < COUNT {
        leased.extend(
            backend
                .lease_due(session, now, Standing::Clear, 100, &[])
                .await
                .expect("it reads"),
        );
    }
    report("lease by 100", COUNT, start);

    let start = Instant::now();
    by_50(leased, {
        let backend = backend.clone();
        move |leased| {
            let backend = backend.clone();
            let settlement = Settlement {
                id: leased.transaction.id,
                session,
                fence: leased.fence,
                attempt: Some(attempt()),
                recipients: leased.transaction.recipients,
                status: Status::Final(FinalReason::Delivered),
                notification: None,
                kept: Vec::new(),
                events: Vec::new(),
                together: Vec::new(),
            };
            async move { backend.settle(settlement).await.expect("the lease is held") }
        }
    })
    .await;
    report("settle", COUNT, start);

    let start = Instant::now();
    let later = now + 1000.hours();
    let mut collected = 0;
    while collected < 2 * COUNT as u64 {
        let removed = backend.collect_garbage(later, Retention::default()).await;
        let removed = removed.expect("it reads");
        collected += removed.transactions + removed.blobs;
    }
    report("collect", COUNT, start);
    backend.close().await;
}

async fn by_50<T, F, Fut>(items: impl IntoIterator<Item = T>, work: F)
where
    T: Send + 'static,
    F: Fn(T) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let mut tasks = tokio::task::JoinSet::new();
    for item in items {
        if tasks.len() == 50 {
            tasks.join_next().await;
        }
        tasks.spawn(work(item));
    }
    tasks.join_all().await;
}

/// Writes 16 MiB in pieces of 256 KiB, each durable before the next, and reads them back.
async fn large_bodies(directory: &Path) {
    const LEN: u64 = 64 << 20;
    let (backend, _directory) = open(directory).await;
    let blob = BlobId::random();
    let piece = Bytes::from(vec![b'x'; 256 << 10]);
    let start = Instant::now();
    for offset in (0..LEN).step_by(piece.len()) {
        let now = Timestamp::UNIX_EPOCH;
        let appended = backend.append_blob(blob, offset, piece.clone(), now).await;
        appended.expect("there is room");
    }
    backend.finish_blob(blob, LEN).await.expect("it is as long");
    let mib = |start: Instant| 64.0 / start.elapsed().as_secs_f64();
    println!("append: {:.0} MiB/s", mib(start));

    let start = Instant::now();
    let mut offset = 0;
    while offset < LEN {
        let read = backend.read_blob(blob, offset).await.expect("it is there");
        offset += read.len() as u64;
    }
    println!("read: {:.0} MiB/s", mib(start));
    backend.close().await;
}

fn report(what: &str, count: usize, start: Instant) {
    let rate = count as f64 / start.elapsed().as_secs_f64();
    println!("{what}: {rate:.0}/s");
}

async fn open(directory: &Path) -> (SqliteBackend, tempfile::TempDir) {
    let directory = tempfile::tempdir_in(directory).expect("the directory is there");
    let path = directory.path().join("queue.sqlite");
    let backend = SqliteBackend::open(path).await;
    (backend.expect("it is new"), directory)
}

fn transaction(body: Bytes) -> NewTransaction {
    let mut context = Context::new(Sender::new("submission").with_tag("smtp-msa"));
    context.remote_host = "192.0.2.7:51234".parse().ok();
    context.client_name = Some(ClientName {
        name: "client.example.com".into(),
        is_extended: true,
    });
    let forward_path = "bob@example.com".parse().expect("it is an address");
    NewTransaction {
        id: TransactionId::random(),
        created: Timestamp::UNIX_EPOCH,
        context: Arc::new(context),
        signals: Carried::default(),
        mail: Mail::new(
            "alice@example.com"
                .parse::<ReversePath>()
                .expect("as above"),
        ),
        recipients: vec![Recipient {
            rcpt: Rcpt {
                forward_path,
                parameters: Default::default(),
            },
            settled: None,
        }],
        body: Some(NewBody {
            prefix: Bytes::from_static(b"Received: from client.example.com by mx.example.com\r\n"),
            ..NewBody::message(
                BlobId::random(),
                body.len() as u64,
                BlobContent::Inline(vec![body]),
            )
        }),
        message_key: None,
        terms: Terms::default(),
        attempts: Vec::new(),
        status: Status::Due(Due {
            at: Timestamp::UNIX_EPOCH,
            work: Work::Attempt,
        }),
        leased_by: None,
        idempotency_key: None,
    }
}

fn attempt() -> Attempt {
    Attempt {
        started: Timestamp::UNIX_EPOCH,
        ended: Timestamp::UNIX_EPOCH,
        mail_reply: Some(Reply::sender_ok()),
        recipient_replies: vec![Some(Reply::recipient_ok())],
        final_reply: Reply::message_accepted(),
        final_replies: Vec::new(),
        remote: None,
        shown: None,
        tls: None,
        conversation: None,
        suppresses: Vec::new(),
    }
}

/// Counts the commits that the backend reports.
struct CountCommits;

impl Subscriber for CountCommits {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::TRACE && metadata.target().starts_with("koukan_storage")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn event(&self, _: &tracing::Event<'_>) {
        COMMITS.fetch_add(1, Ordering::Relaxed);
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
