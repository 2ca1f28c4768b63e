//! Who tells a sender of success, once a message was taken.

use super::Reply;

/// What a positive final reply means for a sender that wants to be told of success (RFC 3461): an
/// extension of [`Reply`] that endpoints attach where the sender does.
///
/// A positive reply without one says that the message was relayed to where nobody tells of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Handover {
    /// The server was told what the sender wants, and tells it from now on (RFC 3461 section 5.2.1).
    PassedOn,
    /// The message is in the recipient's mailbox, as after a reply of an LMTP server (RFC 2033).
    Delivered,
    /// The sender was told already.
    Told,
}

impl Handover {
    /// The name in which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PassedOn => "passed on",
            Self::Delivered => "delivered",
            Self::Told => "told",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::PassedOn, Self::Delivered, Self::Told];
        all.into_iter().find(|it| it.as_str() == name)
    }
}

impl Reply {
    /// What a positive reply says of notifications, where it says something.
    pub fn handover(&self) -> Option<Handover> {
        self.extensions().get::<Handover>().copied()
    }

    /// Takes off all extensions but that.
    #[must_use]
    pub fn with_handover_only(self) -> Self {
        let handover = self.handover();
        let plain = self.without_extensions();
        match handover {
            Some(handover) => plain.with_extension(handover),
            None => plain,
        }
    }
}
