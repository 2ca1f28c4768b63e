//! What stages need of the network, as traits, so that embedders, tests and simulations can set it:
//! names ([`Resolver`]) and connections ([`Connector`]). [`Network`] is a range of addresses,
//! [`ListenAddress`] is where a server listens, and [`RemoteAddress`] what a client connects to: an IP address and port,
//! or a Unix socket.
//!
//! [`SystemResolver`] and [`TcpConnector`], which ask the operating system, come with the feature
//! `net`, and [`DnsResolver`], which asks DNS servers itself, with `dns`; the scripted twins are in `test_util`.
//!
//! [`to_ascii_domain`] gives a domain the form in which the DNS knows it. For domains that are not ASCII this takes the
//! feature `idn`.
//!
//! Neither decides where a connection may lead. If somebody other than the operator has named a host,
//! the addresses of that host are checked right before the connection is opened: the `Guard` of
//! koukan-smtp does that.

mod answer;
#[cfg(feature = "net")]
mod bound_socket;
mod connector;
#[cfg(feature = "dns")]
mod dns;
#[cfg(feature = "dns")]
mod dns_answer;
mod domain_name;
mod listen_address;
#[cfg(feature = "net")]
mod listener;
mod range;
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
    connector::{BoxWire, Connector, SharedConnector, Wire},
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
