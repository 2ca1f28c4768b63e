//! Suppressed addresses, to which a sender sends nothing.
//!
//! Their recipients are refused at once, without a connection.

use tower::{BoxError, ServiceExt, service_fn};

use crate::{
    path::ForwardPath,
    reply::{Rejection, Reply},
    service::BoxMailService,
    storage::Storage,
    transaction::Transaction,
};

/// The chain without suppressed recipients.
pub(super) fn around(storage: &Storage, sender: &str, chain: BoxMailService) -> BoxMailService {
    // Most senders have none.
    if !storage.suppresses_any(sender) {
        return chain;
    }
    let storage = storage.clone();
    BoxMailService::new(service_fn(move |transaction: Transaction| {
        let (storage, chain) = (storage.clone(), chain.clone());
        async move {
            let sender = transaction.context.sender.name.clone();
            let refusal = move |path: &ForwardPath| {
                let found = storage.suppression(&sender, path.mailbox()?)?;
                Some(Rejection::new(found.reply()))
            };
            let transaction = transaction
                .filter_recipients(move |rcpt| refusal(&rcpt.forward_path).map_or(Ok(()), Err));
            // An endpoint may connect before it knows the recipient.
            match transaction.with_recipient().await? {
                Some(transaction) => chain.oneshot(transaction).await,
                None => Ok::<_, BoxError>(Reply::no_valid_recipients()),
            }
        }
    }))
}
