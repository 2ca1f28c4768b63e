//! The names of this server.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, Uri, header::HOST, uri::Authority};

use super::ServerSettings;

/// The names by which clients may reach this server.
///
/// A web page can make a browser send requests to a server on the loopback interface, by giving a
/// host name of its own site an address of this machine (*DNS rebinding*). Such a request names
/// that site as its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hosts {
    /// The address that the server listens on, if known.
    bound: Option<SocketAddr>,
    /// Other names, in lower case.
    names: Vec<Box<str>>,
    /// The scheme by which clients reach the server.
    pub(super) scheme: &'static str,
}

impl Hosts {
    pub(super) fn new(settings: &ServerSettings) -> Self {
        let base = settings.base_url.as_deref();
        let base = base.and_then(|url| url.parse::<Uri>().ok());
        let base = base.as_ref().and_then(Uri::host);
        let names = settings.hosts.iter().map(String::as_str).chain(base);
        Self {
            bound: settings.bound,
            names: names.map(|name| plain(name).into()).collect(),
            scheme: if settings.is_https { "https" } else { "http" },
        }
    }

    /// The address that the server listens on, unless it is one that clients cannot connect to.
    pub(super) fn bound(&self) -> Option<SocketAddr> {
        self.bound.filter(|bound| !bound.ip().is_unspecified())
    }

    /// Whether a host is this server, whatever the port: a name of the loopback interface, the
    /// address that the server listens on, or a name in the settings.
    pub(super) fn is_ours(&self, host: &str) -> bool {
        let host = plain(host);
        if let Ok(address) = host.parse::<IpAddr>() {
            let bound = self.bound.map(|bound| bound.ip());
            let is_named = self.names.iter().any(|name| name.parse() == Ok(address));
            return address.is_loopback() || bound == Some(address) || is_named;
        }
        host == "localhost" || self.names.iter().any(|name| **name == *host)
    }
}

/// The authority that a request names, if it is valid: from the `Host` field or its equivalent.
pub(super) fn named(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let host = || headers.get(HOST)?.to_str().ok()?.parse().ok();
    let authority = uri.authority().cloned().or_else(host);
    authority.filter(is_host_and_port)
}

/// Only host and port: anything else, such as user information, could lead a client elsewhere.
fn is_host_and_port(authority: &Authority) -> bool {
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-._:[]".contains(&octet);
    let host = authority.host();
    let port = authority.as_str().get(host.len()..).unwrap_or_default();
    let is_port = match port.strip_prefix(':') {
        // The port may be empty (RFC 3986 section 3.2.3).
        Some(port) => port.is_empty() || port.parse::<u16>().is_ok_and(|port| port > 0),
        None => port.is_empty(),
    };
    !host.is_empty() && is_port && authority.as_str().bytes().all(is_plain)
}

/// *Shape*: lower case, without brackets and without a dot at the end.
fn plain(host: &str) -> String {
    let host = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(bound: &str) -> Hosts {
        Hosts::new(
            &ServerSettings::default()
                .with_bound(bound.parse().unwrap())
                .with_base_url("https://Mail.example.com:8443/api")
                .with_hosts(["relay.internal".into(), "192.0.2.7".into()]),
        )
    }

    #[test]
    fn ours_are_loopback_what_is_bound_and_what_is_listed() {
        let hosts = hosts("192.0.2.1:8000");
        for ours in [
            "localhost",
            "LocalHost.",
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
            "::1",
            "192.0.2.1",
            "mail.example.com",
            "RELAY.internal.",
            "192.0.2.7",
        ] {
            assert!(hosts.is_ours(ours), "{ours}");
        }
        for other in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "192.0.2.2",
            "internal",
            "0.0.0.0",
            "2130706433",
        ] {
            assert!(!hosts.is_ours(other), "{other}");
        }
    }

    #[test]
    fn a_port_is_one_that_can_be_connected_to() {
        for (host, is_host) in [
            ("a.example", true),
            ("a.example:", true),
            ("a.example:1", true),
            ("[::1]:65535", true),
            ("a.example:65536", false),
            ("a.example:99999", false),
            ("a.example:0", false),
            ("[::1]:x", false),
        ] {
            let headers = HeaderMap::from_iter([(HOST, host.parse().unwrap())]);
            let named = named(&Uri::default(), &headers);
            assert_eq!(named.is_some(), is_host, "{host}");
        }
    }

    #[test]
    fn any_address_is_none_to_connect_to() {
        assert_eq!(hosts("0.0.0.0:8000").bound(), None);
        assert_eq!(hosts("[::]:8000").bound(), None);
        let loopback = "127.0.0.1:8000".parse().unwrap();
        assert_eq!(hosts("127.0.0.1:8000").bound(), Some(loopback));
    }
}
