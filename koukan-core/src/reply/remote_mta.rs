//! Which host a reply came from.

use std::{net::SocketAddr, sync::Arc};

/// The server upstream that gave a reply: an extension of [`Reply`](super::Reply). A reply of our own
/// that is about a server is [`Concerning`](super::Concerning) it.
///
/// A notification names it as the Remote-MTA of a recipient.
///
/// *Source*: RFC 3464 section 2.3.5.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RemoteMta {
    /// The name or address it is known by: what was to be connected to.
    pub host: Arc<str>,
    /// The address that was connected to.
    pub address: SocketAddr,
}
