//! Mail that is queued for hosts that do not answer.

use std::{future::pending, sync::Arc, time::Duration};

use bytes::Bytes;
use koukan_core::{
    blob::{BlobId, BlobPool},
    context::Sender,
    service::BoxMailService,
    signals::Carried,
    stage::{
        dispatcher::Dispatcher,
        output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
    },
    storage::{
        Census, MemoryBackend, Storage,
        record::{
            BlobContent, Due, NewBody, NewTransaction, Recipient, Status, Terms, TransactionId,
            Work,
        },
    },
    test_util::TokioClock,
};
use koukan_smtp::client::SmtpEndpoint;
use rstest::rstest;
use tokio::{task::JoinHandle, time::sleep};

use super::{
    room::{At, Host},
    sending::{context, mail, rcpt},
};

const SECOND: Duration = Duration::from_secs(1);
const MX: &str = "mx.example:25";
const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

/// A queue whose mail goes to an endpoint.
struct Queue {
    storage: Storage,
    _dispatching: JoinHandle<()>,
}

impl Queue {
    /// A queue with `count` messages.
    async fn of(count: usize, endpoint: &SmtpEndpoint) -> Self {
        let backend = Arc::new(MemoryBackend::new());
        let clock = Arc::new(TokioClock::default());
        let storage = Storage::open(backend, BlobPool::default(), clock).await;
        let storage = storage.unwrap();
        for _ in 0..count {
            let message = queued(&storage);
            storage.backend().insert(message).await.unwrap();
        }
        let chain = Chain {
            service: BoxMailService::new(endpoint.clone()),
            retry: RetryPolicy::default(),
        };
        let notifications = Notifications {
            reporting_mta: "me.example".into(),
            sender: Sender::new("notification"),
        };
        let output = OutputHandler::new(chain, notifications);
        let dispatcher = Dispatcher::new(storage.clone(), output, 100);
        Self {
            storage,
            _dispatching: tokio::spawn(dispatcher.run(pending())),
        }
    }

    async fn census(&self) -> Census {
        self.storage.backend().census().await.unwrap()
    }
}

fn queued(storage: &Storage) -> NewTransaction {
    let content = BlobContent::Inline(vec![Bytes::from_static(MESSAGE.as_bytes())]);
    let now = storage.clock().now();
    NewTransaction {
        id: TransactionId::random(),
        created: now,
        context: context(),
        signals: Carried::default(),
        mail: mail(""),
        recipients: vec![Recipient {
            rcpt: rcpt("b"),
            settled: None,
        }],
        body: Some(NewBody::message(
            BlobId::random(),
            MESSAGE.len() as u64,
            content,
        )),
        message_key: None,
        terms: Terms {
            retry: true,
            notify: false,
        },
        attempts: Vec::new(),
        status: Status::Due(Due {
            at: now,
            work: Work::Attempt,
        }),
        leased_by: None,
        idempotency_key: None,
    }
}

/// Few attempts are made while the host is down. The other messages wait only for the host.
#[rstest]
#[case::refuses(At::Connect, 3)]
#[case::says_421(At::Greeting, 3)]
#[case::says_421_to_ehlo(At::Ehlo, 20)]
#[case::for_long(At::Connect, 300)]
#[tokio::test(start_paused = true)]
async fn all_leaves_when_the_host_is_there_again(#[case] at: At, #[case] down: u64) {
    let host = Host::new(0, at);
    let queue = Queue::of(1000, &host.endpoint(&[MX])).await;
    sleep(Duration::from_secs(down)).await;
    // First the messages that were leased before the outage was known, and then one at a time.
    let refused = host.refused();
    assert!((1..=100 + 12).contains(&refused), "{refused}");
    host.set_room(100);
    // A minute and a quarter until the next attempt at most, and half a second for each message.
    let wait = if down > 60 { 76 } else { 2 * down as u32 };
    sleep(SECOND * (wait + 12)).await;
    let census = queue.census().await;
    assert!(census.finished + refused as u64 >= 1000, "{census:?}");
}
