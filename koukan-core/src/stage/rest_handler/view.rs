//! Snapshots as readers see them.

use std::{borrow::Cow, hash::Hasher, iter};

use jiff::Timestamp;

use crate::{
    fnv::Fnv1a,
    reply::Reply,
    resource::{
        BlobStatus, BodyView, BuilderView, Details, Location, RecipientState, RecipientView,
        ResourceResponse, Version, View,
    },
    storage::{
        Snapshot, SnapshotBody,
        record::{FinalReason, RecipientOutcome},
    },
};

/// A transaction as it is shown.
pub(super) struct Shown {
    pub(super) view: Box<View>,
    pub(super) version: Version,
}

impl Shown {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let view = Box::new(view(snapshot));
        let version = version(&view);
        Self { view, version }
    }
}

impl From<Shown> for ResourceResponse {
    fn from(Shown { view, version }: Shown) -> Self {
        Self::Current { view, version }
    }
}

pub(in crate::stage) fn view(snapshot: &Snapshot) -> View {
    let location = Location::of_transaction(snapshot.id);
    let replies = snapshot.recipient_replies.iter();
    View {
        has_sender: true,
        remote_host: snapshot.context.told.remote.clone(),
        local_host: snapshot.context.told.local.clone(),
        has_mail_from: snapshot.mail.is_some(),
        rcpt_to: snapshot.recipients.len(),
        body: Some(match &snapshot.body {
            Some(body) => body_view(&location, body),
            // It may be gone by now.
            None => message(&location, was_whole(snapshot)),
        }),
        mail_response: snapshot.mail_reply.clone(),
        rcpt_response: replies.map_while(Clone::clone).collect(),
        data_response: snapshot.final_reply.clone(),
        final_replies: final_replies(snapshot),
        attempt_count: snapshot.attempt_count,
        final_attempt_reason: snapshot
            .final_reason
            .map(|reason| Cow::Borrowed(reason.as_str())),
        retry: snapshot.terms.retry,
        notification: snapshot.terms.notify,
        cancelled: snapshot.final_reason == Some(FinalReason::Cancelled),
        filter_output: snapshot.signals.to_map(),
        details: Some(Box::new(details(snapshot, location))),
    }
}

/// Whether the message was complete: it was delivered, or answered for a recipient that was
/// accepted.
fn was_whole(snapshot: &Snapshot) -> bool {
    let is_delivered = matches!(
        snapshot.final_reason,
        Some(FinalReason::Delivered | FinalReason::PartlyDelivered)
    );
    let mut rcpts = snapshot.recipient_replies.iter().flatten();
    let is_answered = |last: &Reply| last.is_positive() || rcpts.any(Reply::is_positive);
    is_delivered || snapshot.final_reply.as_ref().is_some_and(is_answered)
}

/// The final reply of each recipient, if the replies to commands do not tell it.
fn final_replies(snapshot: &Snapshot) -> Vec<Option<Reply>> {
    let Some(last) = &snapshot.final_reply else {
        return Vec::new();
    };
    let outcomes = || {
        let outcomes = snapshot.outcomes.iter();
        outcomes.map(|outcome| outcome.as_ref().map(RecipientOutcome::reply))
    };
    let replies = snapshot.recipient_replies.iter().map(Option::as_ref);
    let mut told = outcomes().zip(replies.chain(iter::repeat(None)));
    let is_told = told.all(|(outcome, reply)| match (outcome, reply) {
        (None, _) => true,
        (Some(outcome), Some(reply)) if reply.is_negative() => outcome == reply,
        (Some(outcome), _) => outcome == last,
    });
    if is_told {
        return Vec::new();
    }
    outcomes().map(|outcome| outcome.cloned()).collect()
}

fn details(snapshot: &Snapshot, location: Location) -> Details {
    let replies = snapshot.recipient_replies.iter().map(Option::as_ref);
    let replies = replies.chain(iter::repeat(None));
    let recipients = snapshot.recipients.iter().zip(&snapshot.outcomes);
    let recipients = recipients.zip(replies);
    Details {
        location,
        created: micros(snapshot.created),
        sender: snapshot.context.sender.clone(),
        mail_from: snapshot.mail.clone(),
        recipients: recipients
            .map(|((rcpt, outcome), reply)| RecipientView {
                rcpt: rcpt.clone(),
                state: state(outcome.as_ref(), snapshot.final_reason),
                reply: outcome
                    .as_ref()
                    .map(RecipientOutcome::reply)
                    .or(reply)
                    .cloned(),
            })
            .collect(),
        next_attempt: snapshot.next_attempt.map(micros),
        send_at: snapshot.signals.send_at(),
    }
}

/// A time with the precision that backends keep, so that it looks the same before and after.
pub(super) fn micros(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// The state of a recipient.
fn state(outcome: Option<&RecipientOutcome>, end: Option<FinalReason>) -> RecipientState {
    match (outcome, end) {
        (Some(RecipientOutcome::Delivered(_)), _) => RecipientState::Delivered,
        (Some(RecipientOutcome::Permanent(_)), _) => RecipientState::Failed,
        (_, Some(FinalReason::Cancelled)) => RecipientState::Cancelled,
        (_, Some(_)) => RecipientState::Expired,
        (Some(RecipientOutcome::Transient(_)), None) => RecipientState::Deferred,
        (None, None) => RecipientState::Pending,
    }
}

fn body_view(location: &Location, body: &SnapshotBody) -> BodyView {
    let Some(parts) = &body.parts else {
        return message(location, body.is_complete);
    };
    let status = parts.iter().map(|part| {
        let uri = location.join("blob").join(&part.name);
        let finalized = part.is_complete;
        (part.name.clone(), BlobStatus { uri, finalized })
    });
    BodyView {
        blob_status: None,
        message_builder: Some(BuilderView {
            uri: None,
            blob_status: Some(status.collect()),
        }),
    }
}

fn message(location: &Location, finalized: bool) -> BodyView {
    let uri = location.join("body");
    BodyView {
        blob_status: Some(BlobStatus { uri, finalized }),
        message_builder: None,
    }
}

/// The version of a view: a hash of everything it shows, so that it is the same wherever and
/// whenever the transaction is read.
fn version(view: &View) -> Version {
    let mut hash = Hash(Fnv1a::new(0));
    hash.write_u8(u8::from(view.has_mail_from));
    hash.write_usize(view.rcpt_to);
    for reply in [&view.mail_response, &view.data_response] {
        write_reply(&mut hash, reply.as_ref());
    }
    hash.write_usize(view.rcpt_response.len());
    for reply in &view.rcpt_response {
        write_reply(&mut hash, Some(reply));
    }
    if let Some(details) = &view.details {
        for recipient in &details.recipients {
            hash.write(recipient.state.as_str().as_bytes());
            write_reply(&mut hash, recipient.reply.as_ref());
        }
        let next = details.next_attempt.map(|time| time.as_nanosecond());
        hash.write(&next.unwrap_or_default().to_ne_bytes());
    }
    hash.write_u32(view.attempt_count);
    let reason = view.final_attempt_reason.as_deref();
    hash.write(reason.unwrap_or_default().as_bytes());
    for (name, value) in &view.filter_output {
        hash.write(name.as_bytes());
        hash.write(value.to_string().as_bytes());
    }
    hash.write_u8(u8::from(view.retry) | u8::from(view.notification) << 1);
    if let Some(body) = &view.body {
        let whole = body.blob_status.iter();
        let builder = body.message_builder.iter();
        let parts = builder.flat_map(|builder| builder.blob_status.iter().flatten());
        for blob in whole.chain(parts.map(|(_, blob)| blob)) {
            hash.write(blob.uri.as_str().as_bytes());
            hash.write_u8(u8::from(blob.finalized));
        }
    }
    Version::new(format!("{:016x}", hash.finish()))
}

/// The hash behind a version: the same in every process, whatever its release.
struct Hash(Fnv1a);

impl Hasher for Hash {
    fn write(&mut self, octets: &[u8]) {
        self.0.add(octets.iter().copied());
    }

    fn finish(&self) -> u64 {
        self.0.get()
    }
}

fn write_reply(hash: &mut Hash, reply: Option<&Reply>) {
    let Some(reply) = reply else {
        return hash.write_u8(0);
    };
    hash.write_u16(reply.code().as_u16());
    if let Some(enhanced) = reply.enhanced() {
        hash.write_u8(enhanced.class());
        hash.write_u16(enhanced.subject());
        hash.write_u16(enhanced.detail());
    }
    hash.write(reply.text().as_bytes());
    hash.write_u8(0xff);
}
