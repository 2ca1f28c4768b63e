//! How a connection to a server was encrypted.

use super::TlsVerdict;

/// How the connection was encrypted by which a reply came, or on which something failed: an extension of
/// [`Reply`](super::Reply). Replies that came in clear have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// The version of TLS, by its registered name.
    pub version: Box<str>,
    /// The cipher suite, by its registered name.
    pub cipher: Box<str>,
    /// By what the server has proved who it is.
    pub verdict: TlsVerdict,
}
