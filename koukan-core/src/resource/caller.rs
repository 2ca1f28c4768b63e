//! The caller of a request.

use std::sync::Arc;

use crate::shares::Client;

/// The caller of a request, and the senders that it may act for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// `None` for all senders.
    senders: Option<Arc<[Box<str>]>>,
    is_trusted: bool,
    role: Role,
    client: Client,
}

/// What a caller may do, for its senders. Each role includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Role {
    /// Read transactions.
    Read,
    /// Create, change and cancel transactions.
    #[default]
    Submit,
    /// See and change the whole queue, whoever submitted the mail.
    Operate,
}

impl Caller {
    /// A caller that may act for every sender, and whose facts about SMTP sessions are trusted:
    /// another part of the same agent.
    pub fn trusted() -> Self {
        Self {
            senders: None,
            is_trusted: true,
            role: Role::Submit,
            client: Client::Unknown,
        }
    }

    /// A caller that may act for every sender.
    pub fn unrestricted() -> Self {
        Self {
            senders: None,
            is_trusted: false,
            role: Role::Submit,
            client: Client::Unknown,
        }
    }

    /// A caller that may act only for these senders.
    pub fn of_senders(senders: impl IntoIterator<Item = Box<str>>) -> Self {
        Self {
            senders: Some(senders.into_iter().collect()),
            is_trusted: false,
            role: Role::Submit,
            client: Client::Unknown,
        }
    }

    /// Sets whether the caller's facts about SMTP sessions
    /// ([`Draft::smtp_meta`](super::Draft::smtp_meta) and the hosts) are trusted.
    #[must_use]
    pub fn with_trust(mut self, is_trusted: bool) -> Self {
        self.is_trusted = is_trusted;
        self
    }

    /// Sets the role, instead of [`Role::Submit`].
    #[must_use]
    pub fn with_role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// What it may do.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Sets the client whose share is charged.
    #[must_use]
    pub fn with_client(mut self, client: Client) -> Self {
        self.client = client;
        self
    }

    /// The client whose share is charged.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether it may act for the sender of that name.
    pub fn may_act_for(&self, sender: &str) -> bool {
        let senders = self.senders.as_deref();
        senders.is_none_or(|senders| senders.iter().any(|known| &**known == sender))
    }

    /// The senders that it may act for; `None` for all.
    pub fn senders(&self) -> Option<&[Box<str>]> {
        self.senders.as_deref()
    }

    /// Whether it may see and change all of the queue.
    pub fn may_operate(&self) -> bool {
        self.role >= Role::Operate && self.senders.is_none()
    }

    /// Whether its facts about SMTP sessions are trusted.
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

    #[test]
    fn operates_the_queue_only_where_it_may_act_for_everybody() {
        let operator = Caller::unrestricted().with_role(Role::Operate);
        assert!(operator.may_operate());
        assert!(!Caller::unrestricted().may_operate());
        assert!(!Caller::trusted().may_operate());
        let narrow = Caller::of_senders(["alice".into()]).with_role(Role::Operate);
        assert!(!narrow.may_operate());
    }
}
