//! Which hosts may send mail of a domain: the Sender Policy Framework, RFC 7208.
//!
//! The crate mail-auth is not used, since it asks the DNS by a resolver of its own.

mod check;
mod lookup;
mod macros;
mod record;
mod result;

pub use self::{
    check::{Question, SpfAnswer, check_host},
    result::SpfResult,
};
