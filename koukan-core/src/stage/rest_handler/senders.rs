//! Who may send, and how.

use std::{collections::HashMap, sync::Arc};

use crate::{context::Sender, storage::record::Terms};

/// How a sender's transactions are made, and what the sender is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderPolicy {
    /// How its transactions are made.
    pub dialect: Dialect,
    /// The terms if a create gives none; the incremental dialect has none.
    pub terms: Terms,
    /// Whether `remote_host` is the host to deliver to instead of the address of the SMTP client.
    /// Only for trusted callers: others could make this host connect anywhere.
    pub has_next_hop: bool,
    /// Whether a create must name the host to deliver to, because nothing else determines it.
    pub needs_next_hop: bool,
}

/// How transactions are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// MAIL and RCPT come at once; the transaction is committed before the create is answered.
    Whole,
    /// Step by step, as with an SMTP client; nothing is committed here.
    Incremental,
}

/// Finds the policy of a sender.
pub trait Senders: Send + Sync + 'static {
    /// The policy for this sender and tag, if transactions may be created on its behalf.
    fn find(&self, sender: &Sender) -> Option<SenderPolicy>;

    /// Whether there is a sender with that name, whatever its tags.
    fn has(&self, name: &str) -> bool;
}

impl Default for SenderPolicy {
    /// The policy of an application: whole, with retries and notifications.
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
    /// The policy of an SMTP gateway.
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
