//! What both sides said on a connection.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

/// What was said on the connection to a server, in order, as far as it has room.
///
/// *Shape*: commands and replies alone, nothing of messages, and nothing by which we say who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialogue {
    /// Them in order.
    pub said: Vec<DialogueLines>,
    /// Octets that had no room.
    pub left_out: usize,
}

/// One or more lines that one side has said together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogueLines {
    /// When: what was written then, or read.
    pub at: Instant,
    /// Who.
    pub by: Speaker,
    /// What, without the last line end. Control characters but line ends, and octets that are no UTF-8,
    /// stand as `\x1b`.
    pub text: Box<str>,
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Speaker {
    /// We do.
    Client,
    /// The server does.
    Server,
    /// Nobody: something has happened to the connection.
    Nobody,
}

/// What is said on the connection by which a refusal came, or on which something failed: an extension of
/// [`Reply`](super::Reply), for those who look for the reason.
///
/// It is there with the reply, as far as the dialogue has come, and whole once the transaction on that
/// connection has ended. All refusals of one transaction share one.
#[derive(Debug, Clone, Default)]
pub struct Recording(Arc<Mutex<Option<Arc<Dialogue>>>>);

impl Recording {
    /// Replaces what was said, now that there is more of it.
    pub fn tell(&self, dialogue: Dialogue) {
        let dialogue = Some(Arc::new(dialogue));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = dialogue;
    }

    /// What was said so far.
    pub fn dialogue(&self) -> Option<Arc<Dialogue>> {
        let dialogue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        dialogue.clone()
    }
}

impl Dialogue {
    /// Octets of what was said.
    pub fn len(&self) -> usize {
        self.said.iter().map(|said| said.text.len()).sum()
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.said.is_empty()
    }
}

impl Speaker {
    /// In a word, as in the REST API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::Nobody => "event",
        }
    }

    /// The one that is called so.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut all = [Self::Client, Self::Server, Self::Nobody].into_iter();
        all.find(|speaker| speaker.as_str() == name)
    }
}
