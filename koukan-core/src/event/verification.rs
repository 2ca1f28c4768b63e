//! The verification of recipients.

use std::time::Duration;

use crate::context::Sender;

/// It was found out whether the destination takes a recipient, or could not be.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RecipientVerified<'a> {
    /// The sender of the message.
    pub sender: &'a Sender,
    /// The result, as rules name it: `ACCEPTED`, `REFUSED`, `UNKNOWN`.
    pub result: &'a str,
    /// Whether the destination was asked; otherwise the result was known before, or nobody could be
    /// asked.
    pub is_asked: bool,
    /// How long the client has waited.
    pub duration: Duration,
}

impl<'a> RecipientVerified<'a> {
    /// That of a recipient.
    pub fn new(sender: &'a Sender, result: &'a str, is_asked: bool, duration: Duration) -> Self {
        Self {
            sender,
            result,
            is_asked,
            duration,
        }
    }
}
