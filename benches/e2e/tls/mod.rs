//! TLS for the generator and the sink, which count how often a session is resumed.

mod client;
mod counts;
mod identity;
mod server;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;
use tokio_util::either::Either;

pub(crate) use self::{client::Client, counts::Counts, identity::Identity, server::Server};

/// A connection in clear, or with TLS.
pub(crate) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// How often the two ends of a connection do a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handshakes {
    /// Once for each connection, and connections are kept.
    Kept,
    /// For each message, in full.
    Full,
    /// For each message, resuming an earlier session.
    Resumed,
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
