//! Events.

use std::{borrow::Cow, sync::Arc};

use koukan_core::{
    context::{Context, Sender},
    signals::Carried,
    storage::record::{EventKind, FinalReason, KeptEvent, NewEvent},
};
use serde::{Deserialize, Serialize};

use crate::{BoxError, database::Row, query::Values};

use super::{
    context::ContextRow,
    malformed::{Malformed, from_json, to_json},
    reply::{RemoteRow, ReplyRow},
    status::reason_of,
    time::{from_micros, micros},
};

/// An event to be written.
pub(crate) struct EventRow {
    at: i64,
    transaction: String,
    sender: Arc<str>,
    kind: &'static str,
    details: Arc<str>,
}

/// The column `details`.
#[derive(Serialize, Deserialize)]
struct DetailsRow<'a> {
    /// `None` where it equals the identity of the transaction.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    message: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    tag: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    recipient: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    reply: Option<ReplyRow<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    remote: Option<RemoteRow<'a>>,
    #[serde(default)]
    attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_attempt: Option<i64>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    notification: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    end: Option<Cow<'a, str>>,
}

impl EventRow {
    pub(crate) fn new(event: &NewEvent) -> Self {
        let transaction = event.transaction.to_string();
        let message = event.message.to_string();
        let details = DetailsRow {
            message: (message != transaction).then(|| message.into()),
            tag: event.sender.tag.as_deref().map(Cow::Borrowed),
            recipient: event.recipient.as_deref().map(Cow::Borrowed),
            reply: event.reply.as_ref().map(ReplyRow::from),
            remote: event.remote.as_ref().map(RemoteRow::from),
            attempts: event.attempts,
            next_attempt: event.next_attempt.map(micros),
            notification: event.notification.map(|id| id.to_string().into()),
            end: event.end.map(|reason| reason.as_str().into()),
        };
        Self {
            at: micros(event.at),
            details: to_json(&details),
            transaction,
            sender: Arc::clone(&event.sender.name),
            kind: event.kind.as_str(),
        }
    }

    pub(crate) fn rows(events: &[NewEvent]) -> Vec<Arc<Self>> {
        events
            .iter()
            .map(|event| Arc::new(Self::new(event)))
            .collect()
    }

    /// The event for a transaction that is held or released. `row` is a row of
    /// [`FIND_CHANGED`](crate::query::FIND_CHANGED).
    pub(crate) fn of_hold(
        row: &Row,
        kind: EventKind,
        now: jiff::Timestamp,
    ) -> Result<Self, BoxError> {
        let id = row.try_get::<&str, _>(0)?.parse()?;
        let attempts = u32::try_from(row.try_get::<i64, _>(1)?)?;
        let context: ContextRow<'_> = serde_json::from_str(row.try_get(2)?)?;
        let (context, signals): (Context, Carried) = context.try_into()?;
        let event = NewEvent::of_hold((id, attempts), (&context, &signals), kind, now);
        Ok(Self::new(&event))
    }

    /// Its approximate size in memory, in octets.
    pub(super) fn weight(&self) -> usize {
        size_of::<Self>() + self.transaction.len() + self.details.len()
    }

    /// Binds the values of [`INSERT_EVENTS`](crate::query::INSERT_EVENTS).
    pub(crate) fn bind(&self, values: &mut Values) {
        values
            .add(self.at)
            .add(self.transaction.as_str())
            .add(&*self.sender)
            .add(self.kind)
            .add(Arc::clone(&self.details));
    }
}

/// Reads an event from a row of [`LIST_EVENTS`](crate::query::LIST_EVENTS).
pub(crate) fn kept_event(row: &Row) -> Result<KeptEvent, Malformed> {
    let wrong = |error| Malformed::new("details", error);
    let details: &str = row
        .try_get(5)
        .map_err(|error| Malformed::new("details", error))?;
    let details: DetailsRow<'_> = from_json("details", details)?;
    let read = || -> Result<KeptEvent, BoxError> {
        let kind: &str = row.try_get(4)?;
        let unknown = || format!("unknown kind {kind:?}");
        let transaction = row.try_get::<&str, _>(2)?.parse()?;
        let message = details.message.as_deref().map(str::parse).transpose()?;
        let mut sender = Sender::new(row.try_get::<&str, _>(3)?);
        sender.tag = details.tag.map(Into::into);
        let notification = details.notification.as_deref().map(str::parse);
        let end = details.end.as_deref().map(reason);
        Ok(KeptEvent {
            number: row.try_get::<i64, _>(0)?.cast_unsigned(),
            event: NewEvent {
                transaction,
                message: message.unwrap_or_else(|| transaction.into()),
                sender,
                at: from_micros(row.try_get(1)?),
                kind: EventKind::of_word(kind).ok_or_else(unknown)?,
                recipient: details.recipient.map(Into::into),
                reply: details.reply.map(TryInto::try_into).transpose()?,
                remote: details.remote.map(TryInto::try_into).transpose()?,
                attempts: details.attempts,
                next_attempt: details.next_attempt.map(from_micros),
                notification: notification.transpose()?,
                end: end.transpose()?,
            },
        })
    };
    read().map_err(wrong)
}

/// The recipient that an event names, if it can be read.
pub(crate) fn named_recipient(details: &str) -> Option<String> {
    let details: DetailsRow<'_> = serde_json::from_str(details).ok()?;
    details.recipient.map(Cow::into_owned)
}

fn reason(text: &str) -> Result<FinalReason, BoxError> {
    reason_of(text).ok_or_else(|| format!("unknown reason {text:?}").into())
}
