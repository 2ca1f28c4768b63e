//! Attempts.

use std::sync::Arc;

use crate::{BoxError, query::Values};
use koukan_core::{
    reply::Reply,
    storage::record::{Attempt, Shown, Suppression},
};
use serde::{Deserialize, Serialize};

use super::{
    conversation::ConversationRow,
    malformed::{Malformed, from_json, to_json},
    reply::{RemoteRow, ReplyRow},
    time::{from_micros, micros},
    tls::TlsRow,
};

/// An attempt to be written.
pub(crate) struct NewAttempt {
    started: i64,
    pub(super) ended: i64,
    remote: Option<(Box<str>, String)>,
    pub(super) outcome: Arc<str>,
    /// Stored apart from the outcome, which leases read.
    pub(super) conversation: Option<Arc<str>>,
    /// Addresses that the attempt found to be bad.
    pub(crate) suppresses: Vec<Suppression>,
}

/// The column `outcome`.
#[derive(Serialize, Deserialize)]
pub(super) struct AttemptRow<'a> {
    started: i64,
    ended: i64,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    mail_reply: Option<ReplyRow<'a>>,
    #[serde(borrow, default)]
    recipient_replies: Vec<Option<ReplyRow<'a>>>,
    #[serde(borrow)]
    final_reply: ReplyRow<'a>,
    /// For recipients that have a final reply of their own.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    final_replies: Vec<Option<ReplyRow<'a>>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    remote: Option<RemoteRow<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    shown: Option<ShownRow<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    tls: Option<TlsRow<'a>>,
}

/// What readers are shown, where it differs from the outcome.
#[derive(Serialize, Deserialize)]
struct ShownRow<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    mail: Option<ReplyRow<'a>>,
    #[serde(borrow, default)]
    recipients: Vec<Option<ReplyRow<'a>>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    last: Option<ReplyRow<'a>>,
}

impl NewAttempt {
    pub(super) fn new(attempt: &Attempt) -> Self {
        let remote = attempt.remote.as_ref();
        Self {
            started: micros(attempt.started),
            ended: micros(attempt.ended),
            remote: remote.map(|remote| ((&*remote.host).into(), remote.address.to_string())),
            outcome: to_json(&AttemptRow::from(attempt)),
            conversation: { attempt.conversation.as_deref() }
                .map(|conversation| to_json(&ConversationRow::from(conversation))),
            suppresses: attempt.suppresses.clone(),
        }
    }

    /// Binds the values of [`INSERT_ATTEMPTS`](crate::query::INSERT_ATTEMPTS).
    pub(crate) fn bind(&self, transaction: &str, number: i64, values: &mut Values) {
        values.add(transaction).add(number);
        self.bind_rest(values);
    }

    /// Binds the values of [`ADD_ATTEMPT`](crate::query::ADD_ATTEMPT) except the last.
    pub(super) fn bind_rest(&self, values: &mut Values) {
        let remote = self.remote.as_ref();
        values
            .add(self.started)
            .add(self.ended)
            .add(remote.map(|(host, _)| &**host))
            .add(remote.map(|(_, address)| address.as_str()))
            .add(Arc::clone(&self.outcome))
            .add(self.conversation.clone());
    }

    /// Its approximate size in octets.
    pub(super) fn weight(&self) -> usize {
        let conversation = self.conversation.as_deref();
        self.outcome.len() + conversation.map_or(0, str::len)
    }
}

/// Reads the column `outcome`.
pub(crate) fn attempt(outcome: &str) -> Result<Attempt, Malformed> {
    let row: AttemptRow<'_> = from_json("outcome", outcome)?;
    row.try_into()
        .map_err(|error| Malformed::new("outcome", error))
}

impl<'a> From<&'a Attempt> for AttemptRow<'a> {
    fn from(attempt: &'a Attempt) -> Self {
        Self {
            started: micros(attempt.started),
            ended: micros(attempt.ended),
            mail_reply: attempt.mail_reply.as_ref().map(ReplyRow::from),
            recipient_replies: rows(&attempt.recipient_replies),
            final_reply: (&attempt.final_reply).into(),
            final_replies: rows(&attempt.final_replies),
            remote: attempt.remote.as_ref().map(RemoteRow::from),
            shown: attempt.shown.as_deref().map(ShownRow::from),
            tls: attempt.tls.as_deref().map(TlsRow::from),
        }
    }
}

impl TryFrom<AttemptRow<'_>> for Attempt {
    type Error = BoxError;

    fn try_from(row: AttemptRow<'_>) -> Result<Self, BoxError> {
        Ok(Self {
            started: from_micros(row.started),
            ended: from_micros(row.ended),
            mail_reply: row.mail_reply.map(TryInto::try_into).transpose()?,
            recipient_replies: replies(row.recipient_replies)?,
            final_reply: row.final_reply.try_into()?,
            final_replies: replies(row.final_replies)?,
            remote: row.remote.map(TryInto::try_into).transpose()?,
            shown: match row.shown {
                Some(shown) => Some(Box::new(shown.try_into()?)),
                None => None,
            },
            tls: row.tls.map(|tls| Box::new(tls.into())),
            conversation: None,
            suppresses: Vec::new(),
        })
    }
}

impl<'a> From<&'a Shown> for ShownRow<'a> {
    fn from(shown: &'a Shown) -> Self {
        Self {
            mail: shown.mail.as_ref().map(ReplyRow::from),
            recipients: rows(&shown.recipients),
            last: shown.last.as_ref().map(ReplyRow::from),
        }
    }
}

impl TryFrom<ShownRow<'_>> for Shown {
    type Error = BoxError;

    fn try_from(row: ShownRow<'_>) -> Result<Self, BoxError> {
        Ok(Self {
            mail: row.mail.map(TryInto::try_into).transpose()?,
            recipients: replies(row.recipients)?,
            last: row.last.map(TryInto::try_into).transpose()?,
        })
    }
}

fn rows(replies: &[Option<Reply>]) -> Vec<Option<ReplyRow<'_>>> {
    let rows = replies.iter();
    rows.map(|reply| reply.as_ref().map(ReplyRow::from))
        .collect()
}

fn replies(rows: Vec<Option<ReplyRow<'_>>>) -> Result<Vec<Option<Reply>>, BoxError> {
    let replies = rows.into_iter();
    replies
        .map(|reply| reply.map(TryInto::try_into).transpose())
        .collect()
}
