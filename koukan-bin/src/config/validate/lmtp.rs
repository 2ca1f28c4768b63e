//! Checks where LMTP is used.

use super::Check;
use crate::{
    config::{Chain, Endpoint},
    registry::Routes,
};

/// The port of SMTP, on which LMTP must not be spoken: RFC 2033 section 5.
const SMTP_PORT: u16 = 25;

impl Check<'_> {
    /// Checks that LMTP is only used with named programs that keep mailboxes.
    pub(super) fn lmtp(&mut self) {
        for listener in &self.config.smtp_listener {
            let is_lmtp = listener.is_lmtp();
            if is_lmtp && listener.address.value.port() == Some(SMTP_PORT) {
                let message = "port 25 is for SMTP, and not for LMTP".to_owned();
                let help = "listen on another port, as 24, or leave `lmtp` out";
                self.wrong(&listener.address, message, Some(help.into()));
            }
        }
        for chain in &self.config.chain {
            self.lmtp_of(chain);
        }
    }

    fn lmtp_of(&mut self, chain: &Chain) {
        let Endpoint::Smtp(smtp) = &chain.endpoint else {
            return;
        };
        let Some(lmtp) = smtp.lmtp.as_ref().filter(|lmtp| lmtp.value) else {
            return;
        };
        let help = "name the port of the program that keeps the mailboxes, as in `127.0.0.1:24`";
        for host in &smtp.host {
            if is_for_smtp(&host.value) {
                let message = format!("`{}` is a port for SMTP, and not for LMTP", host.value);
                self.wrong(host, message, Some(help.into()));
            }
        }
        let routes = Routes::of(chain);
        if let Some(host) = routes.hosts.iter().find(|host| host.port == SMTP_PORT) {
            let message = format!("`{host}` is a port for SMTP, and not for LMTP");
            self.wrong(lmtp, message, Some(help.into()));
        }
        if routes.asks_mx {
            let message = "the mail hosts of domains speak SMTP, and not LMTP".to_owned();
            let help = "name the `host`, or leave out `mx` or `lmtp`";
            self.wrong(lmtp, message, Some(help.into()));
        }
    }
}

fn is_for_smtp(host: &str) -> bool {
    let port = host.rsplit_once(':').map(|(_, port)| port);
    port.is_some_and(|port| port.parse() == Ok(SMTP_PORT))
}
