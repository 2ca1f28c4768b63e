//! The configuration of a listener.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use koukan_core::{context::Sender, network::Network};

use super::{Limits, ServerTimeouts, holding::Holding};
use crate::{Protocol, codec::BareLineEnds};

/// The configuration of a listener.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The domain name by which the server introduces itself. Default `localhost`.
    pub name: Box<str>,
    /// The protocol that clients speak. Default: SMTP.
    pub protocol: Protocol,
    /// On whose behalf transactions run, unless a [`MakeMailService`](super::MakeMailService) chooses another sender.
    /// Observers are told of connections with this sender. Default `ingress`.
    pub sender: Sender,
    /// What a client may ask for.
    pub limits: Limits,
    /// How long the server waits for a client.
    pub timeouts: ServerTimeouts,
    /// What to do with messages that hold bare line ends.
    pub bare_line_ends: BareLineEnds,
    /// Networks of proxies. A connection from there begins with a PROXY header, and the client is the one that the
    /// header names. A connection from elsewhere is the client's own. Default: none.
    pub proxies: Arc<[Network]>,
    /// Networks of proxies that name their client by XCLIENT. XCLIENT is believed from a client that connects from
    /// there, itself or through a proxy of [`Config::proxies`]. Default: none.
    pub xclients: Arc<[Network]>,
    /// Whether clients without TLS get 530 5.7.0 at MAIL. Default: no.
    pub is_tls_required: bool,
    /// Whether clients that have not authenticated get 530 5.7.0 at MAIL. Default: no.
    pub is_auth_required: bool,
    /// Whether clients without TLS may authenticate too, so that passwords cross the network in clear. Clients on
    /// this host always may. Default: no.
    pub is_auth_clear: bool,
    /// For how long authenticated clients may have messages held; `None`: not at all.
    pub(super) holding: Option<Holding>,
}

impl Config {
    /// Whether a connection from that address is a proxy's.
    pub(super) fn is_proxy(&self, address: IpAddr) -> bool {
        is_in(&self.proxies, address)
    }

    /// Whether a client that connects from that address may use XCLIENT.
    pub(super) fn may_xclient(&self, address: Option<SocketAddr>) -> bool {
        address.is_some_and(|address| is_in(&self.xclients, address.ip()))
    }
}

fn is_in(networks: &[Network], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.holds(address))
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "localhost".into(),
            protocol: Protocol::Smtp,
            sender: Sender::new("ingress"),
            limits: Limits::default(),
            timeouts: ServerTimeouts::default(),
            bare_line_ends: BareLineEnds::default(),
            proxies: Arc::default(),
            xclients: Arc::default(),
            is_tls_required: false,
            is_auth_required: false,
            is_auth_clear: false,
            holding: None,
        }
    }
}
