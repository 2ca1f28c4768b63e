//! What a greeter is asked, and what it answers.

use std::sync::Arc;

use koukan_core::{context::Context, reply::Reply};

use super::Offer;

/// A client of which something more is known than before.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Introduction {
    /// What has happened.
    pub step: Step,
    /// All that is known of the client now, the step included. The sender is the one that the server
    /// was configured with.
    pub context: Arc<Context>,
    /// What the server can offer this client now. The client is told, and held to, what the greeter
    /// makes of it at [`Step::Hello`].
    pub offer: Offer,
}

/// What has happened to a client, before it says MAIL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// It has connected, and was not greeted yet.
    Connected,
    /// It has said EHLO or HELO: `client_name` in the context. A client may do so again and again.
    Hello,
    /// The transport was upgraded, as after STARTTLS: `tls` and `identity` in the context are what is
    /// known since. What the client said before is forgotten.
    Upgraded,
    /// It has shown who it is: `identity` in the context.
    Authenticated,
}

/// What a greeter answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Greeting {
    /// The client may go on, and is offered that.
    Welcome(Offer),
    /// It may not. One that is no refusal (4yz, 5yz) counts as a failure of the greeter.
    Refused(Reply),
}

impl Introduction {
    /// A client of which that is known: for whoever calls a greeter, as tests do.
    pub fn new(step: Step, context: Arc<Context>, offer: Offer) -> Self {
        Self {
            step,
            context,
            offer,
        }
    }

    /// Lets the client go on, with what was offered to begin with or was made of it.
    pub fn welcome(self) -> Greeting {
        Greeting::Welcome(self.offer)
    }
}

impl From<Reply> for Greeting {
    fn from(refusal: Reply) -> Self {
        Self::Refused(refusal)
    }
}
