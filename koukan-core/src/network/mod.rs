//! The network as traits, which embedders, tests and simulations can implement: names ([`Resolver`]) and connections
//! ([`Connector`]). [`Network`] is a range of addresses; [`ListenAddress`] is what a server listens on;
//! [`RemoteAddress`] is what a client connects to: an IP address and port, or a Unix socket.
//!
//! [`SystemResolver`] and [`TcpConnector`] use the operating system, with the feature `net`. [`DnsResolver`] asks DNS
//! servers itself, with the feature `dns`. Scripted versions are in `test_util`.
//!
//! [`to_ascii_domain`] converts a domain to the form that the DNS uses. For domains outside of ASCII it needs the
//! feature `idn`.
//!
//! Neither trait decides which addresses are permitted. If somebody other than the operator has named a host, its
//! addresses are checked right before connecting: the `Guard` of koukan-smtp does that.

mod answer;
#[cfg(feature = "net")]
mod bound_socket;
mod connector;
mod dialing;
#[cfg(feature = "dns")]
mod dns;
#[cfg(feature = "dns")]
mod dns_answer;
mod domain_name;
mod listen_address;
#[cfg(feature = "net")]
mod listener;
mod range;
#[cfg(feature = "net")]
mod refusing;
mod resolver;
#[cfg(feature = "net")]
mod server_stream;
#[cfg(feature = "net")]
mod system;
#[cfg(feature = "net")]
mod unix_socket;

pub use crate::remote_address::{InvalidRemoteAddress, InvalidSocketPath, RemoteAddress};

pub use self::{
    answer::{Alias, DnsAnswer, Mx, Proof, Tlsa},
    connector::{BoxWire, Connector, SharedConnector, SourceNotHere, Wire},
    dialing::{Dialing, alternating},
    domain_name::{InvalidDomainName, to_ascii_domain},
    listen_address::{InvalidListenAddress, ListenAddress},
    range::{InvalidNetwork, Network},
    resolver::{LookupError, Resolver, SharedResolver},
};

#[cfg(feature = "dns")]
pub use self::dns::{DnsResolver, DnsSettings, NoDns};

#[cfg(feature = "net")]
pub use self::{
    bound_socket::BoundSocket,
    listener::Listener,
    server_stream::ServerStream,
    system::{SystemResolver, TcpConnector},
    unix_socket::UnixAccess,
};
