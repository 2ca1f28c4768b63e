//! Checks whether other replicas would find this one by its `session_url`.

use std::net::IpAddr;

use axum::http::Uri;
use koukan_core::network::ListenAddress;

use super::Check;
use crate::config::{Place, RestListener};

impl Check<'_> {
    /// Checks the parts of the URL, in which environment variables have some value. A proxy or a mapping of ports may
    /// stand before the listener, so what does not fit it is only odd.
    pub(super) fn way_to_listener(
        &mut self,
        listener: &RestListener,
        url: &Place<String>,
        shown: &str,
    ) {
        let Ok(uri) = shown.parse::<Uri>() else {
            return;
        };
        let host = uri.host().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified()) {
            let message = format!("{host} is not an address by which others reach this agent");
            let help = "write that of this machine, as in `http://10.1.2.3:8000`, or `http://{POD_IP}:8000`";
            self.wrong(url, message, Some(help.into()));
            return;
        }
        let is_https = uri.scheme_str() == Some("https");
        match (is_https, listener.tls.is_some()) {
            (true, false) => {
                let message = "other replicas speak TLS here, and this listener does not";
                let help =
                    "write `http://`, or add `tls`, unless a proxy stands before the listener";
                self.odd(url, message.into(), help);
            }
            (false, true) => {
                let message = "other replicas do not speak TLS here, and this listener does";
                let help = "write `https://`, unless a proxy stands before the listener";
                self.odd(url, message.into(), help);
            }
            _ => {}
        }
        let asked = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        if let ListenAddress::Tcp(address) = &listener.address.value
            && ![0, asked].contains(&address.port())
        {
            let message = format!(
                "other replicas ask at port {asked}, and this listener has port {}",
                address.port()
            );
            let help =
                "write the listener's port, unless something passes on from the one to the other";
            self.odd(url, message, help);
        }
        if !["", "/"].contains(&uri.path()) {
            let message = format!(
                "other replicas ask below {}, where this listener has nothing",
                uri.path()
            );
            let help = "leave the path out, unless a proxy takes it away";
            self.odd(url, message, help);
        }
    }

    /// Checks that requests can be passed on, where that is asked for.
    pub(super) fn session_proxies(&mut self) {
        let config = self.config;
        let has_url = |listener: &RestListener| listener.session_url.is_some();
        if config.rest_listener.iter().any(has_url) {
            return;
        }
        for listener in &config.rest_listener {
            if listener.session_proxy {
                let message = "`session_proxy` is about requests between replicas, and others cannot reach this one";
                let help = "add `session_url`, or leave `session_proxy` out";
                self.odd(&listener.address, message.into(), help);
            }
        }
    }
}
