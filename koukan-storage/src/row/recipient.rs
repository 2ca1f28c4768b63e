//! Recipients.

use std::borrow::Cow;

use crate::BoxError;
use koukan_core::{
    reply::{FromUpstream, RemoteMta, Reply},
    storage::record::Recipient,
    transaction::Rcpt,
};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    mail::{ParameterRow, parameter_rows, parameters},
    reply::{RemoteRow, ReplyRow},
};

#[derive(Serialize, Deserialize)]
pub(super) struct RecipientRow<'a> {
    #[serde(borrow)]
    forward_path: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    parameters: Vec<ParameterRow<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    settled: Option<ReplyRow<'a>>,
    /// The host that gave the reply, if one did.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    settled_by: Option<RemoteRow<'a>>,
    /// Whether the reply came from upstream, from a host whose name is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_settled_upstream: bool,
}

pub(super) fn recipient_rows(recipients: &[Recipient]) -> Vec<RecipientRow<'_>> {
    recipients.iter().map(RecipientRow::from).collect()
}

/// How many of these recipients, as they are stored, are not settled. Those that cannot be read are left to a later
/// lease, and count as one.
pub(crate) fn open_recipients(text: &str) -> u32 {
    #[derive(Deserialize)]
    struct Settled {
        #[serde(default)]
        settled: Option<IgnoredAny>,
    }
    let all = serde_json::from_str::<Vec<Settled>>(text);
    let open = all.map(|all| all.iter().filter(|one| one.settled.is_none()).count());
    open.map_or(1, |open| u32::try_from(open).unwrap_or(u32::MAX))
}

impl<'a> From<&'a Recipient> for RecipientRow<'a> {
    fn from(recipient: &'a Recipient) -> Self {
        let settled = recipient.settled.as_ref();
        let remote = settled.and_then(|reply| reply.extensions().get::<RemoteMta>());
        Self {
            forward_path: recipient.rcpt.forward_path.as_str().into(),
            parameters: parameter_rows(&recipient.rcpt.parameters),
            settled: settled.map(ReplyRow::from),
            settled_by: remote.map(RemoteRow::from),
            is_settled_upstream: remote.is_none() && settled.is_some_and(Reply::is_from_upstream),
        }
    }
}

impl TryFrom<RecipientRow<'_>> for Recipient {
    type Error = BoxError;

    fn try_from(row: RecipientRow<'_>) -> Result<Self, BoxError> {
        let mut settled: Option<Reply> = row.settled.map(TryInto::try_into).transpose()?;
        if let Some(remote) = row.settled_by {
            let remote = RemoteMta::try_from(remote)?;
            settled = settled.map(|reply| reply.with_extension(remote));
        } else if row.is_settled_upstream {
            settled = settled.map(|reply| reply.with_extension(FromUpstream));
        }
        Ok(Self {
            rcpt: Rcpt {
                forward_path: row.forward_path.parse()?,
                parameters: parameters(row.parameters)?,
            },
            settled,
        })
    }
}
