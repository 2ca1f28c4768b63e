//! Who reports success to a sender.

use super::Reply;

/// What a positive final reply means for a sender that has asked for notifications of success (RFC
/// 3461): an extension of [`Reply`] that endpoints attach if the sender has asked.
///
/// A positive reply without it says that the message was relayed to a server that sends no such
/// notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Handover {
    /// The server was told of the sender's request, and notifies from now on (RFC 3461 section
    /// 5.2.1).
    PassedOn,
    /// The message was delivered to the recipient's mailbox, for example by an LMTP server (RFC
    /// 2033).
    Delivered,
    /// The sender was notified already.
    Told,
}

impl Handover {
    /// Its name in storage.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PassedOn => "passed on",
            Self::Delivered => "delivered",
            Self::Told => "told",
        }
    }

    /// The one with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::PassedOn, Self::Delivered, Self::Told];
        all.into_iter().find(|it| it.as_str() == name)
    }
}

impl Reply {
    /// The handover of a positive reply, if it has one.
    pub fn handover(&self) -> Option<Handover> {
        self.extensions().get::<Handover>().copied()
    }

    /// Removes all extensions except this one.
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
