//! A queue of a hundred thousand, as operators see and change it.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use koukan_core::{
    blob::BlobPool,
    clock::SystemClock,
    resource::{
        Caller, DestinationOperation, QueueChange, QueueChanged, QueueFilter, QueueList,
        QueueOperation, QueueRequest, QueueResponse, Role,
    },
    stage::operator::Operator,
    storage::{QueueState, Records, Search, Storage, record::QueueAction},
};
use koukan_storage::SqliteBackend;
use tokio::time::Instant;
use tower::ServiceExt;

mod support;

use support::tamper;

const MANY: u64 = 100_000;
/// When the first of them came, in microseconds; the others came a microsecond after each other.
const CREATED: i64 = 1_790_000_000_000_000;
/// How many are cancelled, and how many are bounced. Half of [`MANY`] takes half a minute each in a debug
/// build; run by hand, that shows that each takes no more time.
const ENDED: i64 = 5_000;

/// More than that would mean quadratic time. The actual time is printed, and not tested.
const LONG: Duration = Duration::from_secs(60);

async fn ask(operator: &Operator, operation: QueueOperation) -> QueueResponse {
    let request = QueueRequest {
        caller: Caller::unrestricted().with_role(Role::Operate),
        operation,
    };
    operator.clone().oneshot(request).await.unwrap()
}

async fn change(operator: &Operator, action: QueueAction, filter: &QueueFilter) -> QueueChanged {
    let change = QueueChange {
        action,
        filter: filter.clone(),
        is_dry: false,
    };
    match ask(operator, QueueOperation::Change(change)).await {
        QueueResponse::Changed(changed) => changed,
        other => panic!("{other:?}"),
    }
}

async fn count(operator: &Operator, filter: QueueFilter) -> usize {
    let list = QueueList {
        filter,
        ..QueueList::default()
    };
    match ask(operator, QueueOperation::List(list)).await {
        QueueResponse::Listed(listed) => listed.transactions.len(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_of_a_large_queue_is_changed_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    SqliteBackend::open(&*path).await.unwrap().close().await;
    // Every other one is for another destination. They are due in the year 2100.
    let rows = format!(
        r#"INSERT INTO transactions (id, created, sender, context, mail, recipients, retry, notify,
            crash_count, attempt_count, due_at, work, lease_fence, destination, host, reverse_path,
            forward_paths, last_reply)
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY})
        SELECT printf('%026d', i), {CREATED} + i, 'out', '{{"sender":"out"}}',
            '{{"reverse_path":"a@x.example"}}',
            printf('[{{"forward_path":"u%d@d%d.example"}}]', i, i % 2),
            1, 1, 0, 0, 4102444800000000 + i, 'attempt', 0, printf('out d%d.example', i % 2), printf('d%d.example', i % 2),
            'a@x.example', printf(char(10) || 'u%d@d%d.example' || char(10), i, i % 2),
            '450 4.2.1 mailbox unavailable, try again later'
        FROM n;"#
    );
    tamper(&path, rows).await;
    let backend = Arc::new(SqliteBackend::open(&*path).await.unwrap());
    let clock = Arc::new(SystemClock);
    let storage = Storage::open(Arc::clone(&backend) as _, BlobPool::default(), clock);
    let operator = Operator::new(storage.await.unwrap());
    let half = QueueFilter {
        search: Search {
            domain: Some("d1.example".into()),
            ..Search::default()
        },
        ..QueueFilter::default()
    };
    let all_of_it = QueueChanged {
        matched: MANY / 2,
        changed: MANY / 2,
        recipients: MANY / 2,
        ..QueueChanged::default()
    };
    for action in [QueueAction::Retry, QueueAction::Hold, QueueAction::Release] {
        let begun = Instant::now();
        assert_eq!(change(&operator, action, &half).await, all_of_it);
        let elapsed = begun.elapsed();
        println!("{} of {}: {elapsed:?}", action.as_str(), MANY / 2);
        assert!(elapsed < LONG, "{elapsed:?}");
    }
    for (name, filter) in [
        ("all", QueueFilter::default()),
        ("domain", half.clone()),
        (
            "held",
            QueueFilter {
                state: Some(QueueState::Held),
                ..QueueFilter::default()
            },
        ),
        (
            "reply",
            QueueFilter {
                search: Search {
                    last_reply: Some("no such words".into()),
                    ..Search::default()
                },
                ..QueueFilter::default()
            },
        ),
    ] {
        let begun = Instant::now();
        let expected = if ["all", "domain"].contains(&name) {
            100
        } else {
            0
        };
        assert_eq!(count(&operator, filter).await, expected, "{name}");
        println!("list by {name}: {:?}", begun.elapsed());
    }
    let begun = Instant::now();
    let list = QueueOperation::Destinations(DestinationOperation::List { limit: 0 });
    let QueueResponse::Destinations(listed) = ask(&operator, list).await else {
        panic!("no destinations");
    };
    println!("destinations: {:?}", begun.elapsed());
    let queued = listed.destinations.iter().map(|view| view.census.queued);
    assert_eq!(Vec::from_iter(queued), [MANY / 2; 2]);
    assert_eq!(backend.census().await.unwrap().waiting, MANY);
    // Each ends under a lease of its own. A bounced one waits for its notification.
    let mut waiting = MANY;
    for (action, domain) in [
        (QueueAction::Cancel, "d0.example"),
        (QueueAction::Bounce, "d1.example"),
    ] {
        let filter = QueueFilter {
            search: Search {
                domain: Some(domain.into()),
                until: Some(Timestamp::from_microsecond(CREATED + 2 * ENDED).unwrap()),
                ..Search::default()
            },
            ..QueueFilter::default()
        };
        let begun = Instant::now();
        let changed = change(&operator, action, &filter).await;
        println!("{} of {ENDED}: {:?}", action.as_str(), begun.elapsed());
        let ended = changed.changed;
        assert_eq!((changed.matched, changed.skipped.len()), (ended, 0));
        assert!(ended.abs_diff(ENDED.unsigned_abs()) <= 1, "{ended}");
        if action == QueueAction::Cancel {
            waiting -= ended;
        }
        assert_eq!(backend.census().await.unwrap().waiting, waiting);
    }
    assert_eq!(backend.census().await.unwrap().finished, MANY - waiting);
    backend.close().await;
}
