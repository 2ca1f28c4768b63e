//! What a listener is and allows.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use koukan_core::{context::Sender, network::Network};

use super::{Limits, ServerTimeouts, holding::Holding};
use crate::{Protocol, codec::BareLineEnds};

/// What a listener is and allows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The domain name by which the server introduces itself. Default `localhost`.
    pub name: Box<str>,
    /// What its clients speak. Default: SMTP.
    pub protocol: Protocol,
    /// On whose behalf its transactions run, where a [`MakeMailService`](super::MakeMailService) says
    /// nothing else; observers are told of connections with it. Default `ingress`.
    pub sender: Sender,
    /// What a client may ask for.
    pub limits: Limits,
    /// How long a client is waited for.
    pub timeouts: ServerTimeouts,
    /// What to do with messages that hold bare line ends.
    pub bare_line_ends: BareLineEnds,
    /// Networks of proxies. A connection that comes from there begins with a PROXY header, and its
    /// client is who that names; one from elsewhere is a client's own. Default: none.
    pub proxies: Arc<[Network]>,
    /// Networks of proxies that say by XCLIENT who their client is. Who connects from there, or by a proxy
    /// on behalf of there, is believed. Default: none.
    pub xclients: Arc<[Network]>,
    /// Whether clients that have no TLS hear 530 5.7.0 at MAIL. Default: no.
    pub is_tls_required: bool,
    /// Whether clients that have not said who they are hear 530 5.7.0 at MAIL. Default: no.
    pub is_auth_required: bool,
    /// Whether clients that have no TLS may authenticate themselves as well, so that passwords cross the
    /// network in clear. Those on this host may anyway. Default: no.
    pub is_auth_clear: bool,
    /// For how long clients of whom it is known who they are may have messages held. Default: not at all.
    pub(super) holding: Option<Holding>,
}

impl Config {
    /// Whether connections from that address are a proxy's.
    pub(super) fn is_proxy(&self, address: IpAddr) -> bool {
        is_in(&self.proxies, address)
    }

    /// Whether who connects from that address may say by XCLIENT who its client is.
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
