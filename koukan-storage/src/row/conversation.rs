//! What was said in attempts.

use std::borrow::Cow;

use koukan_core::{
    reply::Speaker,
    storage::record::{Conversation, Spoken},
};
use serde::{Deserialize, Serialize};

use super::{
    malformed::{Malformed, from_json},
    time::{from_micros, micros},
};

/// The column `conversation`.
#[derive(Serialize, Deserialize)]
pub(super) struct ConversationRow<'a> {
    /// When, who, what.
    #[serde(borrow, default)]
    said: Vec<(i64, Cow<'a, str>, Cow<'a, str>)>,
    #[serde(default)]
    left_out: u64,
}

impl<'a> From<&'a Conversation> for ConversationRow<'a> {
    fn from(conversation: &'a Conversation) -> Self {
        let said = conversation.said.iter();
        let said = said.map(|said| {
            let (by, text) = (said.by.as_str(), &*said.text);
            (micros(said.at), by.into(), text.into())
        });
        Self {
            said: said.collect(),
            left_out: conversation.left_out,
        }
    }
}

/// Reads the column.
pub(crate) fn conversation(json: &str) -> Result<Conversation, Malformed> {
    let row: ConversationRow<'_> = from_json("conversation", json)?;
    let said = row.said.into_iter().map(|(at, by, text)| Spoken {
        at: from_micros(at),
        // Who a later version may know besides is nobody here.
        by: Speaker::from_name(&by).unwrap_or(Speaker::Nobody),
        text: text.into(),
    });
    Ok(Conversation {
        said: said.collect(),
        left_out: row.left_out,
    })
}
