//! Conversations of attempts.

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
    /// Time, speaker, text.
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
        // A speaker that only a later version knows counts as nobody.
        by: Speaker::from_name(&by).unwrap_or(Speaker::Nobody),
        text: text.into(),
    });
    Ok(Conversation {
        said: said.collect(),
        left_out: row.left_out,
    })
}
