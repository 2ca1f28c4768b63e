//! Who may send, and how.

use std::{collections::HashMap, sync::Arc};

use crate::{context::Sender, storage::record::Terms};

/// How a sender's transactions are made, and what is promised to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderPolicy {
    /// How its transactions are made.
    pub dialect: Dialect,
    /// What is promised where a create does not say otherwise; nothing to the incremental dialect.
    pub terms: Terms,
    /// Whether `remote_host` is the host to deliver to, and not that of the SMTP client. Such a
    /// sender is for trusted callers only: others could have this host connect wherever they like.
    pub has_next_hop: bool,
    /// Whether there is no other way to know the host to deliver to, so that a create must tell it.
    pub needs_next_hop: bool,
}

/// How transactions are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// With MAIL and RCPT at once; committed before the create is answered.
    Whole,
    /// Step by step, as by an SMTP client; nothing is committed here.
    Incremental,
}

/// Finds the policy of a sender.
pub trait Senders: Send + Sync + 'static {
    /// The policy for this sender and tag, if transactions may be created on its behalf.
    fn find(&self, sender: &Sender) -> Option<SenderPolicy>;

    /// Whether there is a sender of that name, whatever its tags.
    fn has(&self, name: &str) -> bool;
}

impl Default for SenderPolicy {
    /// An application's: whole, retried and notified.
    fn default() -> Self {
        Self {
            dialect: Dialect::Whole,
            terms: Terms {
                retry: true,
                notify: true,
            },
            has_next_hop: false,
            needs_next_hop: false,
        }
    }
}

impl SenderPolicy {
    /// An SMTP gateway's.
    pub fn incremental() -> Self {
        Self {
            dialect: Dialect::Incremental,
            terms: Terms::default(),
            has_next_hop: false,
            needs_next_hop: false,
        }
    }
}

impl Senders for HashMap<Sender, SenderPolicy> {
    fn find(&self, sender: &Sender) -> Option<SenderPolicy> {
        self.get(sender).copied()
    }

    fn has(&self, name: &str) -> bool {
        self.keys().any(|sender| &*sender.name == name)
    }
}

impl<S: Senders> Senders for Arc<S> {
    fn find(&self, sender: &Sender) -> Option<SenderPolicy> {
        (**self).find(sender)
    }

    fn has(&self, name: &str) -> bool {
        (**self).has(name)
    }
}
