//! The outcomes at the hosts of one transaction.

use std::time::Duration;

use koukan_core::reply::{Reply, Unreached};
use tokio::time::Instant;

use crate::client::mail_hosts::TRIED_MAX;

/// A host that took longer than this counts as tried, even if it was only looked up: slow answers of the DNS take as much
/// time as hosts do.
const AT_ONCE: Duration = Duration::from_secs(1);

/// What is known of the hosts while none of them was reached.
#[derive(Default)]
pub(super) struct Met {
    unreached: Option<Unreached>,
    /// Whether one of them may work for other transactions.
    is_any_up: bool,
    tried: usize,
    /// Since when the current one is looked up and tried.
    begun: Option<Instant>,
    /// The reply if no other host is reached.
    reply: Option<Reply>,
}

impl Met {
    /// Notes that the next host is begun with.
    pub(super) fn begin(&mut self) {
        self.begun = Some(Instant::now());
    }

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
        let is_slow = self.begun.is_some_and(|begun| begun.elapsed() > AT_ONCE);
        self.tried += usize::from(is_tried || is_slow);
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
                    "the domain has further mail hosts, which were not tried; the last failure: {}",
                    reply.text()
                );
                let told = Reply::directory_failed().with_text(why);
                told.with_extensions(reply.extensions())
            }
            reply => reply,
        };
        Some(match self.unreached {
            Some(unreached) if !self.is_any_up => reply.with_extension(unreached),
            _ => reply.without_extension::<Unreached>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn hosts_that_are_looked_up_slowly_count_as_tried() {
        for (seconds, is_enough) in [(0, false), (2, true)] {
            let mut met = Met::default();
            for _ in 0..TRIED_MAX {
                met.begin();
                advance(Duration::from_secs(seconds)).await;
                met.give_up(Reply::no_such_mail_host(), false);
            }
            assert_eq!(met.is_enough(), is_enough, "{seconds}");
        }
    }
}
