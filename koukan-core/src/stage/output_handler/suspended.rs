//! Suspended destinations.
//!
//! Their queued mail is not leased, until its time is over. This refuses, at once and without a connection, recipients in
//! suspended domains whose client waits, and those of transactions that have other recipients as well.

use jiff::Timestamp;
use tower::{BoxError, ServiceExt, service_fn};

use crate::{
    context::{Context, Sender},
    path::{ForwardPath, Mailbox, domain_key},
    reply::{Rejection, Reply},
    service::BoxMailService,
    storage::{
        AttemptEnd, BackendError, Lease, Storage,
        record::{Attempt, RecipientOutcome, StoredTransaction},
    },
    transaction::Transaction,
};

use super::{AttemptOutcome, Chains, OutputHandler, RetryPolicy, notification::Notifier, report};

impl<C: Chains> OutputHandler<C> {
    /// Until when a stored transaction is tried, by the policies of its chain and of its first recipient.
    pub fn deadline(&self, transaction: &StoredTransaction) -> Timestamp {
        let retry = self.general_retry(&transaction.context.sender);
        let retry = self.retry_of(&transaction.recipients, retry);
        retry.deadline_of(transaction.begins())
    }

    fn general_retry(&self, sender: &Sender) -> RetryPolicy {
        let chain = self.chains.find(sender);
        chain.map(|chain| chain.retry).unwrap_or_default()
    }

    /// Ends a transaction whose time is over while its destination is suspended.
    pub(super) async fn expire(self, lease: Lease) -> Result<AttemptOutcome, BackendError> {
        let retry = self.general_retry(&lease.context().sender);
        let retry = self.retry(&lease, retry);
        let now = lease.storage().clock().now();
        if retry.next_look(lease.begins(), now, 0.5).is_some() {
            lease.give_back().await;
            return Ok(AttemptOutcome::GivenBack);
        }
        let attempt = expired(&lease);
        report::attempted(&lease, &attempt);
        if Notifier::is_lost(&lease, &attempt, true) {
            Notifier::tell_of_loss(&lease, &attempt).await;
        }
        let final_reply = attempt.final_reply.clone();
        let retry_at = None;
        lease.finish(AttemptEnd { attempt, retry_at }).await?;
        Ok(AttemptOutcome::Attempted {
            final_reply,
            retry_at,
        })
    }
}

/// What is written when the time of a transaction is over while its destination is suspended.
fn expired(lease: &Lease) -> Box<Attempt> {
    let recipients = lease.recipients();
    let last = lease.last_attempt();
    let replies = recipients.iter().enumerate().map(|(index, recipient)| {
        let is_open = recipient.settled.is_none();
        is_open.then(|| reply(last.map(|last| last.outcome(index))))
    });
    let now = lease.storage().clock().now();
    let replies = replies.collect();
    Box::new(Attempt {
        final_reply: reply(None),
        ..Attempt::broken_off(now, None, replies)
    })
}

/// Tells why the time was over, and what was said at last.
fn reply(last: Option<RecipientOutcome>) -> Reply {
    let suspended =
        "mail for this destination was suspended by the operator until its time was over";
    let suspended = match last {
        Some(RecipientOutcome::Transient(last)) => {
            format!("{suspended}; the last reply was: {last}")
        }
        _ => suspended.into(),
    };
    Reply::destination_suspended().with_text(suspended)
}

/// The chain without suspended destinations.
pub(super) fn around(storage: &Storage, chain: BoxMailService) -> BoxMailService {
    // Usually none is suspended.
    if !storage.is_any_suspended() {
        return chain;
    }
    let storage = storage.clone();
    BoxMailService::new(service_fn(move |transaction: Transaction| {
        let (storage, chain) = (storage.clone(), chain.clone());
        async move { turn_away(storage, chain, transaction).await }
    }))
}

async fn turn_away(
    storage: Storage,
    chain: BoxMailService,
    transaction: Transaction,
) -> Result<Reply, BoxError> {
    if let Some(host) = next_hop(&transaction.context) {
        return match storage.is_suspended(&host) {
            true => Ok(Reply::destination_suspended()),
            false => chain.oneshot(transaction).await,
        };
    }
    let transaction = transaction.filter_recipients(move |rcpt| {
        match storage.is_suspended(&domain(&rcpt.forward_path)) {
            true => Err(Rejection::new(Reply::destination_suspended())),
            false => Ok(()),
        }
    });
    // An endpoint may connect before it knows the recipient.
    match transaction.with_recipient().await? {
        Some(transaction) => chain.oneshot(transaction).await,
        None => Ok(Reply::no_valid_recipients()),
    }
}

fn next_hop(context: &Context) -> Option<String> {
    let host = context.next_hop.as_ref()?;
    Some(host.to_lower_case().to_string())
}

fn domain(path: &ForwardPath) -> String {
    let domain = path.mailbox().map_or("", Mailbox::domain_text);
    domain_key(domain)
}
