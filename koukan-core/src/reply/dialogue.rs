//! The conversation on a connection.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

/// The conversation on the connection to a server, in order, as far as there is room.
///
/// *Shape*: commands and replies only; no content of messages, and no credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialogue {
    /// The lines, in order.
    pub said: Vec<DialogueLines>,
    /// Octets that there was no room for.
    pub left_out: usize,
}

/// One or more lines that one side has sent together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogueLines {
    /// When they were written or read.
    pub at: Instant,
    /// The speaker.
    pub by: Speaker,
    /// The lines, without the last line end. Control characters other than line ends, and octets that
    /// are not UTF-8, are written as `\x1b`.
    pub text: Box<str>,
}

/// The speaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Speaker {
    /// We.
    Client,
    /// The server.
    Server,
    /// Nobody: a note about the connection.
    Nobody,
}

/// The conversation on the connection that brought a refusal, or that failed: an extension of
/// [`Reply`](super::Reply), for finding the cause.
///
/// At the time of the reply it contains the conversation so far; it is complete once the transaction on
/// that connection has ended. All refusals of a transaction share one.
#[derive(Debug, Clone, Default)]
pub struct Recording(Arc<Mutex<Option<Arc<Dialogue>>>>);

impl Recording {
    /// Replaces the conversation by a longer one.
    pub fn tell(&self, dialogue: Dialogue) {
        let dialogue = Some(Arc::new(dialogue));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = dialogue;
    }

    /// The conversation so far.
    pub fn dialogue(&self) -> Option<Arc<Dialogue>> {
        let dialogue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        dialogue.clone()
    }
}

impl Dialogue {
    /// The length of the conversation, in octets.
    pub fn len(&self) -> usize {
        self.said.iter().map(|said| said.text.len()).sum()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.said.is_empty()
    }
}

impl Speaker {
    /// A word for it, as in the REST API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::Nobody => "event",
        }
    }

    /// The speaker with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut all = [Self::Client, Self::Server, Self::Nobody].into_iter();
        all.find(|speaker| speaker.as_str() == name)
    }
}
