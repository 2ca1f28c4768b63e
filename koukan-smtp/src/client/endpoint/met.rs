//! The outcomes at the hosts of one transaction.

use koukan_core::reply::{Reply, Unreached};

/// What is known of the hosts while none of them was reached.
#[derive(Default)]
pub(super) struct Met {
    unreached: Option<Unreached>,
    /// Whether one of them may work for other transactions.
    is_any_up: bool,
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

    /// The reply, marked as unreached if that is true of all hosts.
    pub(super) fn told_in(self, reply: Reply) -> Reply {
        match self.unreached {
            Some(unreached) if !self.is_any_up => reply.with_extension(unreached),
            _ => reply.without_extension::<Unreached>(),
        }
    }
}
