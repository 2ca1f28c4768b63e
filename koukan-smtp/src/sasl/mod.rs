//! SASL: how a client shows who it is, without I/O; both halves.
//!
//! | mechanism | the client shows | source |
//! |---|---|---|
//! | SCRAM-SHA-256 | that it knows the password, and the server that it knows the `scram::Verifier` | RFC 5802, RFC 7677 |
//! | OAUTHBEARER | a token that somebody else made | RFC 7628 |
//! | PLAIN | the password | RFC 4616 |
//! | LOGIN | the password, in two steps | draft-murchison-sasl-login |
//!
//! SCRAM comes with the feature `scram`.
//!
//! A server runs an [`Exchange`]; a client a [`ClientExchange`]. Octets are those within base 64, which
//! [`encode`] and [`decode`] know.

mod base64;
mod claim;
mod client;
mod exchange;
mod mechanism;
mod messages;
#[cfg(feature = "scram")]
pub mod scram;

pub use self::{
    base64::{InvalidBase64, decode, encode},
    claim::{Answer, Claim, Password},
    client::{ClientExchange, Credentials, Failed},
    exchange::{Exchange, Malformed, NextStep},
    mechanism::{Mechanism, Mechanisms},
};
