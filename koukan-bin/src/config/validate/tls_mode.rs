//! Checks when TLS begins with the servers to which chains send.

use koukan_core::signals::HostPort;

use super::Check;
use crate::{
    config::{Chain, Destination, Endpoint, Place, ServerTlsMode, Smtp, TlsLevel},
    registry::Routes,
};

/// The port at which TLS begins with the first octet: RFC 8314 section 7.3.
const IMMEDIATE_PORT: u16 = 465;

/// The ports at which servers greet in clear, and offer STARTTLS: RFC 5321, RFC 6409.
const CLEAR_PORTS: [u16; 2] = [25, 587];

impl Check<'_> {
    /// Checks that TLS begins as servers at these ports expect it.
    pub(super) fn tls_modes(&mut self) {
        for chain in &self.config.chain {
            if let Endpoint::Smtp(smtp) = &chain.endpoint {
                self.tls_mode(chain, smtp);
            }
        }
    }

    fn tls_mode(&mut self, chain: &Chain, smtp: &Smtp) {
        let (level, _) = smtp.tls_with(None);
        let immediate = smtp.tls_mode.as_ref();
        let immediate = immediate.filter(|mode| mode.value == ServerTlsMode::Immediate);
        if let Some(mode) = immediate
            && level == TlsLevel::Never
        {
            let message = "TLS is to begin at once, and `tls: never` excludes it".to_owned();
            return self.wrong(mode, message, Some("leave `tls` or `tls_mode` out".into()));
        }
        let routes = Routes::of(chain);
        let named = smtp.host.iter().filter_map(|place| {
            let host = place.value.parse::<HostPort>().ok()?;
            Some((host, place.place()))
        });
        let routed = routes.hosts.into_iter();
        let routed = routed.map(|host| (host, chain.name.place()));
        for (host, place) in named.chain(routed) {
            self.tls_mode_with(chain, smtp, &host, &place);
        }
        for (port, is_mx) in routes.ports {
            match immediate {
                Some(mode) => self.immediate_for_domains(mode, port, is_mx),
                None if port == IMMEDIATE_PORT => {
                    self.awaited_at_once(&chain.name.place(), "the `router` sends to port 465");
                }
                None => {}
            }
        }
    }

    fn tls_mode_with(&mut self, chain: &Chain, smtp: &Smtp, host: &HostPort, place: &Place<()>) {
        let rule = self.config.rule_of(host);
        let (level, mode) = smtp.tls_with(rule);
        if mode == ServerTlsMode::Offered {
            if host.unix().is_none() && host.port == IMMEDIATE_PORT {
                self.awaited_at_once(place, &format!("`{host}`"));
            }
            return;
        }
        let of_rule = rule.and_then(|rule| rule.tls_mode.as_ref());
        if level == TlsLevel::Never {
            if rule.is_some_and(Destination::is_tls_impossible) {
                // It is told of with the rule.
                return;
            }
            let message = format!(
                "TLS is to begin at once with `{host}`, and `tls: never` excludes it in chain `{}`",
                chain.name.value
            );
            let help = "give the host a `tls` of its own here, or leave `tls_mode` out";
            let place = of_rule.map_or(*place, Place::place);
            self.wrong(&place, message, Some(help.into()));
        } else if host.unix().is_none() && CLEAR_PORTS.contains(&host.port) {
            let message = format!(
                "`{host}`: servers at port {} greet in clear, and TLS is to begin at once",
                host.port
            );
            let help = "name port 465, or leave `tls_mode` out: TLS then begins with STARTTLS";
            self.odd(place, message, help);
        }
    }

    /// Warns of a port at which servers wait for TLS while this agent waits for their greeting.
    fn awaited_at_once(&mut self, place: &Place<()>, whose: &str) {
        let message =
            format!("{whose}: servers there await TLS at once, and do not greet in clear");
        let help =
            "set `tls_mode: immediate` in the `smtp` endpoint, or in `destination` for this host";
        self.odd(place, message, help);
    }

    /// Checks hosts that are found by the recipients' domains.
    fn immediate_for_domains(&mut self, mode: &Place<ServerTlsMode>, port: u16, is_mx: bool) {
        let help = "name a relay by `host`, or the one host that wants it in `destination`, or leave this out";
        if is_mx && CLEAR_PORTS.contains(&port) {
            let message = "the mail hosts of domains greet in clear, and TLS is to begin at once";
            self.wrong(mode, message.to_owned(), Some(help.into()));
        } else if CLEAR_PORTS.contains(&port) {
            let message = format!(
                "hosts of domains at port {port} greet in clear, and TLS is to begin at once"
            );
            self.odd(mode, message, help);
        }
    }
}
