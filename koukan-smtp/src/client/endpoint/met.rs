//! The outcomes at the hosts of one transaction.

use koukan_core::reply::{Reply, Unreached};

use crate::client::mail_hosts::TRIED_MAX;

/// What is known of the hosts while none of them was reached.
#[derive(Default)]
pub(super) struct Met {
    unreached: Option<Unreached>,
    /// Whether one of them may work for other transactions.
    is_any_up: bool,
    tried: usize,
    /// The reply if no other host is reached.
    reply: Option<Reply>,
}

impl Met {
    /// Adds what the reply says about a host.
    pub(super) fn add(&mut self, reply: &Reply) {
        let Some(unreached) = reply.extensions().get::<Unreached>() else {
            self.is_any_up = true;
            return;
        };
        self.unreached = Some(match self.unreached.take() {
            Some(others) => others.and(unreached),
            None => unreached.clone(),
        });
    }

    /// Notes that this host is not tried again, and whether it was tried. If one host must not be tried, others may still
    /// work later.
    pub(super) fn give_up(&mut self, reply: Reply, is_tried: bool) {
        self.tried += usize::from(is_tried);
        self.reply = Some(match self.reply.take() {
            Some(others) if reply.is_permanent() => others,
            _ => reply,
        });
    }

    /// Whether no further mail hosts of the domain are tried.
    pub(super) fn is_enough(&self) -> bool {
        self.tried >= TRIED_MAX
    }

    /// The reply to the transaction, marked as unreached if that is true of all hosts; `None` if there were no hosts. If
    /// there are `others`, which were not tried, the failure is not permanent.
    pub(super) fn told(self, others: bool) -> Option<Reply> {
        let reply = match self.reply? {
            reply if others && reply.is_permanent() => {
                let why = format!(
                    "the domain has further mail hosts, which were not tried; the last one that was: {}",
                    reply.text()
                );
                Reply::directory_failed().with_text(why)
            }
            reply => reply,
        };
        Some(match self.unreached {
            Some(unreached) if !self.is_any_up => reply.with_extension(unreached),
            _ => reply.without_extension::<Unreached>(),
        })
    }
}
