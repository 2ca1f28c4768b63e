//! Checks Unix sockets, both those to listen on and those to connect to.

use std::{fs, os::unix::fs::FileTypeExt, path::Path};

use koukan_core::{network::ListenAddress, signals::HostPort};

use super::Check;
use crate::{
    config::{Chain, Endpoint, Place, ServerTlsMode, TlsLevel, UnixSocket},
    registry::Routes,
};

impl Check<'_> {
    /// Checks listeners on Unix sockets. Their clients have no address; only the permissions of the
    /// file can restrict them.
    pub(super) fn unix_sockets(&mut self) {
        for listener in &self.config.smtp_listener {
            self.unix_socket(&listener.address, listener.socket.as_ref());
            if listener.address.value.unix().is_none() {
                continue;
            }
            if let Some(first) = listener.clients.first() {
                let message = "clients of a Unix socket have no address: nobody could connect";
                let help =
                    "leave `clients` out, and say who may connect by `socket: { mode, group }`";
                self.wrong(first, message.into(), Some(help.into()));
            }
            let proxies = [
                ("proxy_networks", &listener.proxy_networks),
                ("xclient_networks", &listener.xclient_networks),
            ];
            for (key, networks) in proxies {
                if let Some(first) = networks.first() {
                    let message =
                        format!("`{key}` is of no use: clients of a Unix socket have no address");
                    let help = "leave it out, or have the proxy connect to an address and port";
                    self.odd(first, message, help);
                }
            }
        }
        for listener in &self.config.rest_listener {
            self.unix_socket(&listener.address, listener.socket.as_ref());
        }
        for chain in &self.config.chain {
            self.unix_hosts(chain);
        }
    }

    /// Checks the Unix sockets to which a chain sends: they exist, and nothing is required of them
    /// that they cannot do.
    fn unix_hosts(&mut self, chain: &Chain) {
        let Endpoint::Smtp(smtp) = &chain.endpoint else {
            return;
        };
        let named = smtp.host.iter().filter_map(|place| {
            let host = place.value.parse::<HostPort>().ok()?;
            Some((host, place.place()))
        });
        let routed = Routes::of(chain).hosts.into_iter();
        let routed = routed.map(|host| (host, chain.name.place()));
        for (host, place) in named.chain(routed) {
            let Some(path) = host.unix() else { continue };
            let is_tls = match smtp.tls_with(self.config.rule_of(&host)) {
                (TlsLevel::Never, _) => false,
                (TlsLevel::Opportunistic, mode) => mode == ServerTlsMode::Immediate,
                (TlsLevel::Required | TlsLevel::Verified, _) => true,
            };
            if is_tls {
                let message = format!("`{host}` is a Unix socket, to which there is no TLS");
                let help = "leave `tls` and `tls_mode` out, or set `tls: never` for this host in `destination`";
                self.wrong(&place, message, Some(help.into()));
            } else {
                self.unix_host(path, &host, &place);
            }
        }
    }

    fn unix_host(&mut self, path: &Path, host: &HostPort, place: &Place<()>) {
        let listeners = self.config.smtp_listener.iter();
        let mut own = listeners.map(|listener| listener.address.value.unix());
        if own.any(|own| own == Some(path)) {
            return;
        }
        match fs::metadata(path) {
            Ok(found) if found.file_type().is_socket() => {}
            Ok(_) => {
                let message = format!("`{host}` is no Unix socket, but another kind of file");
                let help = "name the socket that the server listens at";
                self.wrong(place, message, Some(help.into()));
            }
            Err(error) => {
                let message = format!("`{host}` cannot be connected to just now: {error}");
                let help = "start the server that listens there, or name the path that it has";
                self.odd(place, message, help);
            }
        }
    }

    fn unix_socket(&mut self, address: &Place<ListenAddress>, socket: Option<&UnixSocket>) {
        let Some(socket) = socket else {
            return;
        };
        if address.value.unix().is_none() {
            let message = format!("`socket` is of no use: {} is no Unix socket", address.value);
            let help = "leave it out, or name a path, as in `unix:/run/koukan/smtp`";
            self.wrong(address, message, Some(help.into()));
        } else if let Err((place, message)) = socket.access() {
            let help = "as in `socket: { mode: \"0660\", group: mail }`";
            self.wrong(place, message, Some(help.into()));
        }
    }
}
