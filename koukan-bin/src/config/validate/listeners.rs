//! Checks the addresses to listen on.

use std::{fs, net::SocketAddr, time::Duration};

use koukan_core::network::ListenAddress;
use koukan_smtp::Network;

use super::Check;
use crate::config::{Place, SmtpListener};

/// How long clients wait for the greeting: RFC 5321 section 4.5.3.2.1.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// How long the least patient clients wait for it.
const LITTLE_PATIENCE: Duration = Duration::from_secs(30);

impl Check<'_> {
    /// Checks that every address can be listened on, as far as that is known beforehand.
    pub(super) fn listeners(&mut self) {
        let config = self.config;
        let smtp = config
            .smtp_listener
            .iter()
            .map(|listener| &listener.address);
        let rest = config
            .rest_listener
            .iter()
            .map(|listener| &listener.address);
        let addresses: Vec<&Place<ListenAddress>> = smtp.chain(rest).collect();
        for (index, address) in addresses.iter().enumerate() {
            let mut before = addresses.iter().take(index);
            if let Some(first) = before.find(|first| are_one(&first.value, &address.value)) {
                let message = if first.value == address.value {
                    format!("{} is listened on twice", address.value)
                } else {
                    format!(
                        "{} is listened on already, by {}",
                        address.value, first.value
                    )
                };
                let what = match address.value {
                    ListenAddress::Tcp(_) => "port",
                    ListenAddress::Unix(_) => "path",
                    ListenAddress::HandedOver(_) => "name",
                };
                let help = format!("see line {}: give one of them another {what}", first.line);
                self.wrong(address, message, Some(help));
            }
            if let Some(first) = first_free_port()
                && let Some(port) = address.value.port()
                && (1..first).contains(&port)
            {
                let message =
                    format!("port {port} is below {first}, and this user may not listen there");
                let help =
                    "run the agent as root, give it CAP_NET_BIND_SERVICE, or take another port";
                self.odd(*address, message, help);
            }
        }
        for listener in &config.smtp_listener {
            self.networks(&listener.proxy_networks);
            self.proxies(&listener.proxy_networks);
            self.networks(&listener.xclient_networks);
            self.proxies(&listener.xclient_networks);
            self.networks(&listener.clients);
            self.greeting_delay(listener);
            self.errors(listener);
        }
        self.unix_sockets();
        if addresses.is_empty() {
            let message = "nobody can connect to this agent: there is no listener";
            self.odd(
                &Place::nowhere(()),
                message.into(),
                "add a `smtp_listener` or a `rest_listener`",
            );
        }
    }
}

impl Check<'_> {
    /// Checks that the limit on a client's errors is not below that of one connection.
    fn errors(&mut self, listener: &SmtpListener) {
        let Some(errors) = &listener.max_errors_per_client else {
            return;
        };
        let refused = koukan_smtp::server::Limits::from(listener).refused_recipients;
        if errors.value.get() < refused {
            let message = format!(
                "a client may make {} errors on all its connections, and {refused} of its recipients may be refused \
                 on each",
                errors.value
            );
            let help =
                "give `max_errors_per_client` some times as much as `max_refused_recipients`";
            self.odd(errors, message, help);
        }
    }

    /// Checks that the greeting comes before clients give up.
    fn greeting_delay(&mut self, listener: &SmtpListener) {
        let Some(delay) = &listener.greeting_delay else {
            return;
        };
        let help = "take some seconds, as in `greeting_delay: 3s`";
        if delay.value.0 >= PATIENCE {
            let message = format!("no client waits {} for its greeting", delay.value);
            self.wrong(delay, message, Some(help.into()));
        } else if delay.value.0 > LITTLE_PATIENCE {
            let message = format!(
                "some clients wait no longer than 30s for their greeting, and this is {}",
                delay.value
            );
            self.odd(delay, message, help);
        }
    }

    /// Checks the networks of proxies: whoever connects from there is believed about the client.
    fn proxies(&mut self, networks: &[Place<String>]) {
        let help = "name the addresses of your proxies alone, as in `192.0.2.10`";
        for place in networks {
            let Ok(network) = place.value.parse::<Network>() else {
                continue;
            };
            let bits = network.prefix_len();
            if bits == 0 {
                let message = format!(
                    "everybody is a proxy by `{}`, and could say to be anybody",
                    place.value
                );
                self.wrong(place, message, Some(help.into()));
            } else if bits < if network.is_ipv6() { 16 } else { 8 } {
                let message = format!(
                    "`{}` is a large part of the internet: whoever connects from there could say to \
                     be anybody",
                    place.value
                );
                self.odd(place, message, help);
            }
        }
    }
}

/// Whether two addresses exclude each other.
fn are_one(a: &ListenAddress, b: &ListenAddress) -> bool {
    match (a.tcp(), b.tcp()) {
        (Some(a), Some(b)) => overlap(a, b),
        _ => a == b,
    }
}

/// Whether two sockets cannot be bound at the same time.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    // Port 0 means any free port.
    if a.port() != b.port() || a.port() == 0 {
        return false;
    }
    let takes_all = |this: SocketAddr, other: SocketAddr| {
        // By default, a socket for all IPv6 addresses also takes IPv4.
        this.ip().is_unspecified() && (this.is_ipv6() || other.is_ipv4())
    };
    a.ip() == b.ip() || takes_all(a, b) || takes_all(b, a)
}

/// The first port that this process may listen on; `None` if it may listen on all, or that is not known.
fn first_free_port() -> Option<u16> {
    /// The bit of CAP_NET_BIND_SERVICE, as in capability.h.
    const MAY_BIND: u64 = 1 << 10;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let held = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))?;
    let held = u64::from_str_radix(held.trim(), 16).ok()?;
    if held & MAY_BIND != 0 {
        return None;
    }
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    Some(first.map_or(1024, |first| first.trim().parse().unwrap_or(1024)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_that_are_in_each_others_way() {
        for (a, b, is_so) in [
            ("127.0.0.1:25", "127.0.0.1:25", true),
            ("127.0.0.1:25", "127.0.0.1:26", false),
            ("127.0.0.1:25", "127.0.0.2:25", false),
            ("0.0.0.0:25", "127.0.0.1:25", true),
            ("127.0.0.1:25", "[::]:25", true),
            ("0.0.0.0:25", "[::]:25", true),
            ("0.0.0.0:25", "[::1]:25", false),
            ("[::1]:25", "[::]:25", true),
            ("127.0.0.1:0", "127.0.0.1:0", false),
        ] {
            let overlap = overlap(a.parse().unwrap(), b.parse().unwrap());
            assert_eq!(overlap, is_so, "{a} {b}");
        }
    }
}
