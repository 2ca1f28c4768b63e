//! What was said in an attempt.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::reply::{Recording, Reply, Speaker};

/// What was said with the host that was met last in an attempt, where that has failed for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// What was said, in order; see [`Dialogue`](crate::reply::Dialogue).
    pub said: Vec<Spoken>,
    /// Octets that had no room.
    pub left_out: u64,
}

/// One or more lines that one side has said together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Speaker,
    /// What, without the last line end.
    pub text: Box<str>,
}

impl Conversation {
    /// What goes with the last of those replies that tell of it. `now` is the present time.
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
