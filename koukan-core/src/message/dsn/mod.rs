//! Notifications of failure: RFC 3464, in the envelope of RFC 6522.
//!
//! [`FailureNotice`] is a pure function of what is known: it writes one message to the sender of
//! another, which says for each recipient that failed why it did.

mod fields;
mod notice;
mod wants;

pub use self::{
    notice::{FailedRecipient, FailureNotice},
    wants::wants_failure_notice,
};
