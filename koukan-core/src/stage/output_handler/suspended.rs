//! Suspended destinations.
//!
//! Their queued mail is not leased. This refuses, at once and without a connection, recipients in
//! suspended domains whose client waits, and those of transactions that have other recipients as well.

use tower::{BoxError, ServiceExt, service_fn};

use crate::{
    context::Context,
    path::{ForwardPath, Mailbox, domain_key},
    reply::{Rejection, Reply},
    service::BoxMailService,
    storage::{
        Lease, Storage,
        record::{SchedulingKey, Work},
    },
    transaction::Transaction,
};

/// Whether no attempt may be made, since the destination was suspended just after the transaction
/// was leased.
pub(super) fn is_stopped(lease: &Lease) -> bool {
    let storage = lease.storage();
    if !storage.is_any_suspended() || !lease.is_stored() || lease.work() != Work::Attempt {
        return false;
    }
    let (context, recipients) = (lease.context(), lease.recipients());
    let key = SchedulingKey::of(context, &recipients);
    storage.is_suspended(key.only_host(context, &recipients))
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
