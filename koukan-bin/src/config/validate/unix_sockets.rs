//! Checks of Unix sockets that are listened on.

use koukan_core::network::ListenAddress;

use super::Check;
use crate::config::{Place, UnixSocket};

impl Check<'_> {
    /// Who may connect to a Unix socket can be told by its file alone: its clients have no address.
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
