//! SCRAM-SHA-256: the client proves that it knows a password, without sending it.
//!
//! ```text
//! C: n,,n=user,r=C            C is the client's nonce
//! S: r=CS,s=salt,i=count      S is the server's
//! C: c=biws,r=CS,p=proof      made from the password and all that was said before
//! S: v=signature              made from the verifier and all that was said before
//! ```
//!
//! *Source*: RFC 5802, RFC 7677.

mod client;
mod entries;
mod keys;
mod server;
mod stranger;
mod verifier;

pub(super) use self::{
    client::{Client, Proved},
    server::{Challenged, Server},
};

pub(crate) use self::{keys::prepared, stranger::Stranger};

pub use self::{
    entries::{Entries, EntryFault, InvalidEntry},
    keys::{ITERATIONS_MAX, ITERATIONS_MIN},
    verifier::{InvalidVerifier, Verifier},
};

use koukan_core::random::{NoRandomness, secret};

use super::encode;

/// A nonce that has not been used before.
pub(super) fn nonce() -> Result<String, NoRandomness> {
    Ok(encode(secret::<18>()?))
}
