//! Bounds how long upstream may take over each step of a transaction.
//!
//! A call as a whole lasts as long as the client takes its time, so a timeout for it says little.
//! [`StepTimeout`] runs a clock only while upstream owes something: an answer, or room for more
//! octets.
//!
//! | step | too long | what happens |
//! |---|---|---|
//! | MAIL | from the call to its answer | the call ends with [`Reply::elapsed`] |
//! | RCPT | from its arrival to its answer | [`Reply::elapsed`] to this recipient; if upstream has not even taken it, the call ends with that |
//! | DATA | from the end of the recipients, and the answer to the last, until upstream asks for the message | the call ends with that |
//! | octets of the message | until upstream asks for more | the same |
//! | the end of the message | until the final reply | the same |
//!
//! A message that is passed on by reference is not looked at octet by octet; the last step then
//! starts when it is complete. Recipients are taken from downstream as they come and kept in a
//! bounded queue, so that the clock of each starts when it arrives.
//!
//! [`Reply::elapsed`]: crate::reply::Reply::elapsed

mod body;
mod layer;
mod recipients;
mod service;
mod state;

pub use self::{layer::StepTimeoutLayer, service::StepTimeout};

use std::time::Duration;

/// How long upstream may take over each step.
///
/// *Source*: RFC 5321 section 4.5.3.2, whose minimum values are the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepTimeouts {
    /// To answer MAIL: 5 minutes.
    pub mail: Duration,
    /// To answer each RCPT: 5 minutes.
    pub rcpt: Duration,
    /// To ask for the message after DATA: 2 minutes.
    pub data: Duration,
    /// To ask for more after it got octets of the message: 3 minutes.
    pub data_block: Duration,
    /// To answer the message after its end: 10 minutes.
    pub message: Duration,
}

impl Default for StepTimeouts {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            mail: minutes(5),
            rcpt: minutes(5),
            data: minutes(2),
            data_block: minutes(3),
            message: minutes(10),
        }
    }
}

impl StepTimeouts {
    /// The same time for every step.
    pub fn all(timeout: Duration) -> Self {
        Self {
            mail: timeout,
            rcpt: timeout,
            data: timeout,
            data_block: timeout,
            message: timeout,
        }
    }
}
