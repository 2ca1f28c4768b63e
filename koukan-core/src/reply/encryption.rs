//! The encryption of a connection to a server.

use super::TlsVerdict;

/// The encryption of the connection that brought a reply, or that failed: an extension of
/// [`Reply`](super::Reply). Replies over unencrypted connections have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// The version of TLS, by its registered name.
    pub version: Box<str>,
    /// The cipher suite, by its registered name.
    pub cipher: Box<str>,
    /// How the server has proved its identity.
    pub verdict: TlsVerdict,
}
