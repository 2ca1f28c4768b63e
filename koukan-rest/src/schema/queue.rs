//! Writes the queue as JSON, for operators.

use koukan_core::{
    resource::{Location, QueueChanged, QueueListed, QueuedDetails, QueuedTransaction},
    storage::record::Attempt,
};
use serde_json::{Map, Value, json};

use super::{reply_to_json, view::write_listed};

/// Writes a list of queued transactions.
///
/// *Shape*: each as [`listed_to_json`](super::listed_to_json) writes it, with its state and
/// destination.
pub fn queue_to_json(listed: &QueueListed, absolute: impl Fn(&Location) -> String) -> Value {
    let transactions = listed.transactions.iter();
    let transactions = transactions.map(|queued| Value::from(write_queued(queued, &absolute)));
    let mut list = json!({"transactions": transactions.collect::<Vec<_>>()});
    if let Some(next) = &listed.next {
        list["next_cursor"] = json!(next);
    }
    list
}

/// Writes a queued transaction as [`queue_to_json`] does, with each attempt.
pub fn queued_to_json(details: &QueuedDetails, absolute: impl Fn(&Location) -> String) -> Value {
    let mut object = write_queued(&details.queued, &absolute);
    let recipients = details.queued.view.details.as_ref();
    let recipients = recipients.map(|details| &*details.recipients);
    let addresses: Vec<_> = recipients
        .unwrap_or_default()
        .iter()
        .map(|recipient| recipient.rcpt.forward_path.as_str())
        .collect();
    let attempts = details.attempts.iter().zip(details.first_attempt..);
    let attempts = attempts.map(|(attempt, number)| write_attempt(attempt, number, &addresses));
    object.insert("attempts".into(), attempts.collect());
    object.into()
}

/// Writes the result of a change of many transactions.
pub fn changed_to_json(changed: &QueueChanged) -> Value {
    let skipped = changed.skipped.iter();
    let skipped = skipped.map(|(reason, count)| (reason.as_str().to_owned(), json!(count)));
    json!({
        "matched": changed.matched,
        "changed": changed.changed,
        "recipients": changed.recipients,
        "skipped": Map::from_iter(skipped),
    })
}

fn write_queued(
    queued: &QueuedTransaction,
    absolute: &impl Fn(&Location) -> String,
) -> Map<String, Value> {
    let mut object = write_listed(&queued.view, absolute);
    object.insert("state".into(), queued.state.as_str().into());
    if let Some(held) = queued.held {
        object.insert("held".into(), held.to_string().into());
    }
    if queued.crashes > 0 {
        object.insert("crashes".into(), queued.crashes.into());
    }
    if let Some(suspended) = queued.suspended {
        object.insert("suspended".into(), suspended.to_string().into());
    }
    if !queued.destination.is_empty() {
        object.insert("destination".into(), (&*queued.destination).into());
    }
    object
}

/// Leaves out recipients that were settled before the attempt, since it was not for them.
fn write_attempt(attempt: &Attempt, number: u32, addresses: &[&str]) -> Value {
    let recipients = addresses.iter().enumerate().filter_map(|(index, address)| {
        let rcpt = attempt.recipient_replies.get(index)?.as_ref()?;
        let mut recipient = json!({"address": address, "rcpt_response": reply_to_json(rcpt)});
        let own = attempt.final_replies.get(index).and_then(Option::as_ref);
        if let Some(own) = own {
            recipient["data_response"] = reply_to_json(own);
        }
        Some(recipient)
    });
    let mut json = json!({
        "number": number,
        "started": attempt.started.to_string(),
        "ended": attempt.ended.to_string(),
        "recipients": recipients.collect::<Vec<_>>(),
    });
    if let Some(reply) = &attempt.mail_reply {
        json["mail_response"] = reply_to_json(reply);
    }
    if let Some(reply) = attempt.given_final_reply() {
        json["data_response"] = reply_to_json(reply);
    }
    if let Some(remote) = &attempt.remote {
        json["host"] = json!(&*remote.host);
        json["address"] = json!(remote.address.to_string());
    }
    if let Some(tls) = &attempt.tls {
        json["tls"] = json!({
            "version": tls.version,
            "cipher": tls.cipher,
            "verified": tls.verdict.as_str(),
        });
    }
    if let Some(conversation) = &attempt.conversation {
        let said = conversation.said.iter().map(|said| {
            json!({
                "at": said.at.to_string(),
                "by": said.by.as_str(),
                "text": said.text,
            })
        });
        json["conversation"] = said.collect();
        json["left_out"] = json!(conversation.left_out);
    }
    json
}
