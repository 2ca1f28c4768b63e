//! What a greeter is asked, and what it answers.

use std::sync::Arc;

use koukan_core::{context::Context, reply::Reply};

use super::Offer;

/// A client of which more is known than before.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Introduction {
    /// What has happened.
    pub step: Step,
    /// All that is known of the client now, including this step. The sender is the one in the
    /// server's configuration.
    pub context: Arc<Context>,
    /// What the server can offer this client now. At [`Step::Hello`] the greeter may change it; the
    /// client is told the result and held to it.
    pub offer: Offer,
}

/// What a client has done before it says MAIL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// The client has connected and was not greeted yet.
    Connected,
    /// The client has said EHLO or HELO: see `client_name` in the context. It may do so repeatedly.
    Hello,
    /// The transport was upgraded, as after STARTTLS: `tls` and `identity` in the context are new.
    /// What the client said before is forgotten.
    Upgraded,
    /// The client has authenticated: see `identity` in the context.
    Authenticated,
}

/// The answer of a greeter.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Greeting {
    /// The client may go on, and is offered that.
    Welcome(Offer),
    /// The client may not go on. A reply that is not a refusal (4yz, 5yz) counts as a failure of the greeter.
    Refused(Reply),
}

impl Introduction {
    /// Makes an introduction, for callers of a greeter other than the server, such as tests.
    pub fn new(step: Step, context: Arc<Context>, offer: Offer) -> Self {
        Self {
            step,
            context,
            offer,
        }
    }

    /// Lets the client go on with the offer, changed or not.
    pub fn welcome(self) -> Greeting {
        Greeting::Welcome(self.offer)
    }
}

impl From<Reply> for Greeting {
    fn from(refusal: Reply) -> Self {
        Self::Refused(refusal)
    }
}
