//! How names of hosts become addresses.

use std::{io, net::SocketAddr};

use tokio::net::lookup_host;

/// Looks up the addresses of a host.
///
/// MX records are not its business: which hosts a domain's mail goes to is decided before.
pub trait Resolve: Clone + Send + Sync + 'static {
    /// The addresses of `host` in the order in which to try them, with `port`.
    ///
    /// *Shape*: `host` is a name; addresses are never asked for. The caller limits the time.
    fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;
}

/// Asks the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(lookup_host((host, port)).await?.collect())
    }
}
