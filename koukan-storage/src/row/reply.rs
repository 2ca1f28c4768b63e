//! Replies.

use std::borrow::Cow;

use crate::BoxError;
use koukan_core::reply::{EnhancedCode, Handover, RemoteMta, Reply, ReplyCode, Said};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct ReplyRow<'a> {
    code: u16,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    enhanced: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    text: Cow<'a, str>,
    /// The code of an upstream server, where it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    said: Option<u16>,
    /// Who reports success.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    handover: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RemoteRow<'a> {
    #[serde(borrow)]
    host: Cow<'a, str>,
    #[serde(borrow)]
    address: Cow<'a, str>,
}

impl<'a> From<&'a Reply> for ReplyRow<'a> {
    fn from(reply: &'a Reply) -> Self {
        let said = reply.extensions().get::<Said>();
        Self {
            code: reply.code().as_u16(),
            enhanced: reply.enhanced().map(|code| code.to_string().into()),
            text: reply.text().into(),
            said: said.map(|Said(code)| code.as_u16()),
            handover: reply.handover().map(|it| it.as_str().into()),
        }
    }
}

impl TryFrom<ReplyRow<'_>> for Reply {
    type Error = BoxError;

    fn try_from(row: ReplyRow<'_>) -> Result<Self, BoxError> {
        let code = ReplyCode::new(row.code)?;
        let enhanced = row.enhanced.map(|code| code.parse::<EnhancedCode>());
        let reply = Self::new(code, enhanced.transpose()?, row.text.into_owned());
        let reply = match row.said {
            Some(said) => reply.with_extension(Said(ReplyCode::new(said)?)),
            None => reply,
        };
        // A value that only a later version knows is ignored.
        let handover = row.handover.as_deref().and_then(Handover::from_name);
        Ok(match handover {
            Some(handover) => reply.with_extension(handover),
            None => reply,
        })
    }
}

impl<'a> From<&'a RemoteMta> for RemoteRow<'a> {
    fn from(remote: &'a RemoteMta) -> Self {
        Self {
            host: Cow::Borrowed(&remote.host),
            address: remote.address.to_string().into(),
        }
    }
}

impl TryFrom<RemoteRow<'_>> for RemoteMta {
    type Error = BoxError;

    fn try_from(row: RemoteRow<'_>) -> Result<Self, BoxError> {
        Ok(Self {
            host: row.host.into(),
            address: row.address.parse()?,
        })
    }
}
