//! The conversation in an attempt.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::reply::{Recording, Reply, Speaker};

/// The conversation with the last host of an attempt that has failed for some recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// The lines, in order; see [`Dialogue`](crate::reply::Dialogue).
    pub said: Vec<Spoken>,
    /// Octets that there was no room for.
    pub left_out: u64,
}

/// One or more lines that one side has sent together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// When they were written or read.
    pub at: Timestamp,
    /// The speaker.
    pub by: Speaker,
    /// The lines, without the last line end.
    pub text: Box<str>,
}

impl Conversation {
    /// The conversation of the last of these replies that has one. `now` is the current time.
    pub(crate) fn of<'a>(
        replies: impl Iterator<Item = &'a Reply>,
        now: Timestamp,
    ) -> Option<Arc<Self>> {
        let recordings = replies.filter_map(|reply| reply.extensions().get::<Recording>());
        let dialogue = recordings.filter_map(Recording::dialogue).last()?;
        let instant = Instant::now();
        let said = dialogue.said.iter().map(|said| Spoken {
            at: now
                .checked_sub(instant.saturating_duration_since(said.at))
                .unwrap_or(now),
            by: said.by,
            text: said.text.clone(),
        });
        Some(Arc::new(Self {
            said: said.collect(),
            left_out: dialogue.left_out as u64,
        }))
    }
}
