//! Recipients.

use std::borrow::Cow;

use crate::BoxError;
use koukan_core::{storage::record::Recipient, transaction::Rcpt};
use serde::{Deserialize, Serialize};

use super::{
    mail::{ParameterRow, parameter_rows, parameters},
    reply::ReplyRow,
};

#[derive(Serialize, Deserialize)]
pub(super) struct RecipientRow<'a> {
    #[serde(borrow)]
    forward_path: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    parameters: Vec<ParameterRow<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    settled: Option<ReplyRow<'a>>,
}

pub(super) fn recipient_rows(recipients: &[Recipient]) -> Vec<RecipientRow<'_>> {
    recipients.iter().map(RecipientRow::from).collect()
}

impl<'a> From<&'a Recipient> for RecipientRow<'a> {
    fn from(recipient: &'a Recipient) -> Self {
        Self {
            forward_path: recipient.rcpt.forward_path.as_str().into(),
            parameters: parameter_rows(&recipient.rcpt.parameters),
            settled: recipient.settled.as_ref().map(ReplyRow::from),
        }
    }
}

impl TryFrom<RecipientRow<'_>> for Recipient {
    type Error = BoxError;

    fn try_from(row: RecipientRow<'_>) -> Result<Self, BoxError> {
        Ok(Self {
            rcpt: Rcpt {
                forward_path: row.forward_path.parse()?,
                parameters: parameters(row.parameters)?,
            },
            settled: row.settled.map(TryInto::try_into).transpose()?,
        })
    }
}
