//! Writes a message, which has several transactions, for readers.

use koukan_core::resource::{ListedTransaction, Location, MessageView};
use serde_json::{Value, json};

use super::write::{write_listed, write_recipient};

/// Writes a message.
///
/// *Shape*: each transaction as [`listed_to_json`](super::listed_to_json) writes it, and all
/// recipients, each with the URI of its transaction.
pub fn message_to_json(message: &MessageView, absolute: impl Fn(&Location) -> String) -> Value {
    let all = &message.transactions;
    let transactions = all.iter().map(|one| write_one(one, &absolute));
    let recipients = all.iter().flat_map(|one| {
        let details = one.view.details.iter();
        let recipients = details.flat_map(|details| &details.recipients);
        let uri = absolute(&one.location);
        recipients.map(move |recipient| {
            let mut recipient = write_recipient(recipient);
            recipient["transaction"] = uri.clone().into();
            recipient
        })
    });
    json!({
        "id": message.id.to_string(),
        "uri": absolute(&message.id.location()),
        "finished": all.iter().all(|one| one.view.is_final()),
        "recipients": recipients.collect::<Vec<_>>(),
        "transactions": transactions.collect::<Vec<_>>(),
    })
}

/// Writes one of the transactions.
pub(super) fn write_one(
    transaction: &ListedTransaction,
    absolute: &impl Fn(&Location) -> String,
) -> Value {
    let mut object = write_listed(&transaction.view, absolute);
    object.insert("uri".into(), absolute(&transaction.location).into());
    object.insert("created".into(), transaction.created.to_string().into());
    object.into()
}
