//! SASL: how a client authenticates, without I/O; both halves.
//!
//! | mechanism | the client shows | source |
//! |---|---|---|
//! | SCRAM-SHA-256 | that it knows the password; the server shows that it knows the `scram::Verifier` | RFC 5802, RFC 7677 |
//! | OAUTHBEARER | a token that an authorization server has issued | RFC 7628 |
//! | PLAIN | the password | RFC 4616 |
//! | LOGIN | the password, in two steps | draft-murchison-sasl-login |
//!
//! SCRAM comes with the feature `scram`.
//!
//! A server runs an [`Exchange`], a client a [`ClientExchange`]. Both take and give octets without
//! base 64; [`encode`] and [`decode`] convert.

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
