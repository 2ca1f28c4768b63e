//! Who asks.

use std::sync::Arc;

use crate::shares::Client;

/// Whoever makes a request, and for which senders it may act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// `None` for all senders.
    senders: Option<Arc<[Box<str>]>>,
    is_trusted: bool,
    client: Client,
}

impl Caller {
    /// A caller that may act for every sender, and whose word on the SMTP session is taken: another
    /// part of the same agent.
    pub fn trusted() -> Self {
        Self {
            senders: None,
            is_trusted: true,
            client: Client::Unknown,
        }
    }

    /// A caller that may act for every sender.
    pub fn unrestricted() -> Self {
        Self {
            senders: None,
            is_trusted: false,
            client: Client::Unknown,
        }
    }

    /// A caller that may act for these senders alone.
    pub fn of_senders(senders: impl IntoIterator<Item = Box<str>>) -> Self {
        Self {
            senders: Some(senders.into_iter().collect()),
            is_trusted: false,
            client: Client::Unknown,
        }
    }

    /// Takes the caller's word on facts of an SMTP session
    /// ([`Draft::smtp_meta`](super::Draft::smtp_meta) and the hosts), or does so no longer.
    #[must_use]
    pub fn with_trust(mut self, is_trusted: bool) -> Self {
        self.is_trusted = is_trusted;
        self
    }

    /// Says whose share is charged with what it asks for.
    #[must_use]
    pub fn with_client(mut self, client: Client) -> Self {
        self.client = client;
        self
    }

    /// Whose share is charged with what it asks for.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether it may act for the sender of that name.
    pub fn may_act_for(&self, sender: &str) -> bool {
        let senders = self.senders.as_deref();
        senders.is_none_or(|senders| senders.iter().any(|known| &**known == sender))
    }

    /// Whether its word on facts of an SMTP session is taken.
    pub fn is_trusted(&self) -> bool {
        self.is_trusted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_for_its_senders_only() {
        let caller = Caller::of_senders(["alice".into()]);
        assert!(caller.may_act_for("alice"));
        assert!(!caller.may_act_for("bob"));
        assert!(!caller.is_trusted());
        assert!(Caller::unrestricted().may_act_for("bob"));
        assert!(!Caller::of_senders([]).may_act_for(""));
    }
}
