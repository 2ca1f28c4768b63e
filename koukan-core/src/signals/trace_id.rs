//! The id of a message.

use std::{fmt, str::FromStr};

use crate::id::{InvalidId, LEN, RandomId, TransactionId};

use super::Signals;

/// The id that identifies a message everywhere: from its client's connection through queue, attempts
/// and notification, in logs, in the `Received` field, over REST, and in the final reply to the client.
///
/// The first stored transaction of a message has it as its own identity, so that the message can be
/// found by it; transactions of further recipients carry it.
///
/// *Shape*: as text, 26 letters and digits. It is not a secret, and knowing it must not permit
/// anything.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(RandomId);

impl TraceId {
    /// A new identity.
    pub fn random() -> Self {
        Self(RandomId::new())
    }

    /// The identity among `signals`, which is made where there is none yet.
    pub fn of(signals: &Signals) -> Self {
        *signals.0.trace_id.get_or(Self::random)
    }
}

impl TraceId {
    /// Appends the text of the identity, as [`fmt::Display`] writes it, but faster.
    pub fn push_to(self, text: &mut String) {
        text.push_str(self.0.text(&mut [0; LEN]));
    }
}

impl From<TraceId> for TransactionId {
    /// The identity of the transaction that stands for the whole message.
    fn from(id: TraceId) -> Self {
        Self(id.0)
    }
}

impl From<TransactionId> for TraceId {
    /// The id of a message that has none from elsewhere.
    fn from(id: TransactionId) -> Self {
        Self(id.0)
    }
}

impl FromStr for TraceId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_for_each_message() {
        let signals = Signals::default();
        let id = TraceId::of(&signals);
        assert_eq!(TraceId::of(&signals), id);
        assert_eq!(TraceId::of(&signals.branch()), id);
        assert_ne!(TraceId::of(&Signals::default()), id);
        assert_eq!(id.to_string().parse(), Ok(id));
        let mut text = String::from("id=");
        id.push_to(&mut text);
        assert_eq!(text, format!("id={id}"));
    }
}
