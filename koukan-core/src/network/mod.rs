//! What stages need of the network, as traits, so that embedders, tests and simulations can set it:
//! names ([`Resolver`]) and connections ([`Connector`]). [`Network`] is a range of addresses.
//!
//! [`SystemResolver`] and [`TcpConnector`], which ask the operating system, come with the feature
//! `net`, and [`DnsResolver`], which asks DNS servers itself, with `dns`; the scripted twins are in `test_util`.
//!
//! Neither decides where a connection may lead. Whoever takes the name of a host from somebody else
//! than the operator looks at the addresses that it has resolved to, right before one of them is
//! connected to: as the `Guard` of koukan-smtp does.

mod answer;
mod connector;
#[cfg(feature = "dns")]
mod dns;
#[cfg(feature = "dns")]
mod dns_answer;
mod range;
mod resolver;
#[cfg(feature = "net")]
mod system;

pub use self::{
    answer::{Alias, Answer, Mx, Proof, Tlsa},
    connector::{BoxWire, Connector, SharedConnector, Wire},
    range::{InvalidNetwork, Network},
    resolver::{LookupError, Resolver, SharedResolver},
};

#[cfg(feature = "dns")]
pub use self::dns::{DnsResolver, DnsSettings, NoDns};

#[cfg(feature = "net")]
pub use self::system::{SystemResolver, TcpConnector};
