//! Attempts.

use crate::BoxError;
use koukan_core::storage::record::Attempt;
use serde::{Deserialize, Serialize};

use super::{
    reply::{RemoteRow, ReplyRow},
    time::{from_micros, micros},
};

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
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    remote: Option<RemoteRow<'a>>,
}

impl<'a> From<&'a Attempt> for AttemptRow<'a> {
    fn from(attempt: &'a Attempt) -> Self {
        let replies = attempt.recipient_replies.iter();
        Self {
            started: micros(attempt.started),
            ended: micros(attempt.ended),
            mail_reply: attempt.mail_reply.as_ref().map(ReplyRow::from),
            recipient_replies: replies
                .map(|reply| reply.as_ref().map(ReplyRow::from))
                .collect(),
            final_reply: (&attempt.final_reply).into(),
            remote: attempt.remote.as_ref().map(RemoteRow::from),
        }
    }
}

impl TryFrom<AttemptRow<'_>> for Attempt {
    type Error = BoxError;

    fn try_from(row: AttemptRow<'_>) -> Result<Self, BoxError> {
        let replies = row.recipient_replies.into_iter();
        Ok(Self {
            started: from_micros(row.started),
            ended: from_micros(row.ended),
            mail_reply: row.mail_reply.map(TryInto::try_into).transpose()?,
            recipient_replies: replies
                .map(|reply| reply.map(TryInto::try_into).transpose())
                .collect::<Result<_, BoxError>>()?,
            final_reply: row.final_reply.try_into()?,
            remote: row.remote.map(TryInto::try_into).transpose()?,
        })
    }
}
