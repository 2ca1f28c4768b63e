//! Mail that is already queued, and an upstream that hangs for some of it.

use std::{
    future::{pending, poll_fn},
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use koukan_core::{
    blob::BlobId,
    context::{Context, Sender},
    path::ReversePath,
    reply::Reply,
    service::MailService,
    signals::Carried,
    storage::record::{
        BlobContent, Due, NewBody, NewTransaction, Recipient, Status, Terms, TransactionId, Work,
    },
    transaction::{Mail, Rcpt, Transaction},
};
use tower::{BoxError, service_fn};

pub(crate) const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

/// A promised transaction that is due at its creation.
pub(crate) fn queued(to: &str, created: Timestamp) -> NewTransaction {
    let content = BlobContent::Inline(vec![Bytes::from_static(MESSAGE.as_bytes())]);
    NewTransaction {
        id: TransactionId::random(),
        created,
        context: Arc::new(Context::new(Sender::new("app"))),
        signals: Carried::default(),
        mail: Mail::new("a@x".parse::<ReversePath>().unwrap()),
        recipients: vec![Recipient {
            rcpt: Rcpt::new(to.parse::<koukan_core::path::ForwardPath>().unwrap()),
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
            notify: true,
        },
        attempts: Vec::new(),
        status: Status::Due(Due {
            at: created,
            work: Work::Attempt,
        }),
        leased_by: None,
        idempotency_key: None,
    }
}

/// Recipients in the order in which something happened to them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, recipient: String) {
        self.0.lock().unwrap().push(recipient);
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// How many have a name that starts with this.
    pub(crate) fn count(&self, start: &str) -> usize {
        let all = self.all();
        all.iter().filter(|to| to.starts_with(start)).count()
    }
}

/// An upstream that requests the message once and then hangs for recipients whose names begin with
/// `hung` or `crash`, and takes a second for `slow`; `begun` and `delivered` note what it does.
pub(crate) fn upstream(begun: Log, delivered: Log) -> impl MailService {
    service_fn(move |tx: Transaction| deliver(tx, begun.clone(), delivered.clone()))
}

async fn deliver(tx: Transaction, begun: Log, delivered: Log) -> Result<Reply, BoxError> {
    let Transaction {
        mail,
        mut recipients,
        mut body,
        ..
    } = tx;
    mail.answer(Reply::sender_ok());
    let rcpt = recipients.next().await?.unwrap();
    let to = rcpt.forward_path().to_string();
    begun.add(to.clone());
    if to.starts_with("hung") || to.starts_with("crash") {
        poll_fn(|cx| {
            let _ = body.poll_chunk(cx);
            Poll::Ready(())
        })
        .await;
        pending::<()>().await;
    }
    if to.starts_with("slow") {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    rcpt.answer(Reply::recipient_ok());
    while body.next().await?.is_some() {}
    delivered.add(to);
    Ok(Reply::message_accepted())
}
