//! Recipients that stand for senders of forwarded messages.

use koukan_core::{
    clock::SharedClock,
    filter::{
        Replaceable,
        router::{Decision, Policy},
    },
    path::ForwardPath,
    reply::{Rejection, Reply},
};

use super::{InvalidSrs, Secrets, Srs};

/// A policy of the router that turns rewritten recipients of the domain back into the original addresses. It
/// refuses forged and old ones, and leaves other recipients of the domain to later rules.
#[derive(Debug)]
pub struct Reversed {
    srs: Srs,
    secrets: Replaceable<Secrets>,
    clock: SharedClock,
}

impl Reversed {
    /// Handles recipients in the domain of `srs`.
    pub fn new(srs: Srs, secrets: Replaceable<Secrets>, clock: SharedClock) -> Self {
        Self {
            srs,
            secrets,
            clock,
        }
    }
}

impl Policy for Reversed {
    fn decide(&self, recipient: &ForwardPath) -> Decision {
        let mailbox = recipient.mailbox();
        let Some(mailbox) = mailbox.filter(|mailbox| self.srs.is_of_domain(mailbox)) else {
            return Decision::Pass;
        };
        let day = Srs::day(self.clock.now().as_second());
        match self.srs.reverse(mailbox, &self.secrets.current(), day) {
            Ok(original) => Decision::Expand([ForwardPath::from(original)].into()),
            Err(InvalidSrs::Form) => Decision::Pass,
            Err(error) => {
                tracing::info!(recipient = mailbox.as_str(), %error, "refused a rewritten address");
                Decision::Reject(Rejection::new(Reply::no_such_user()))
            }
        }
    }
}
