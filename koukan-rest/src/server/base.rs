//! The prefix of absolute locations.

use axum::http::{HeaderMap, Uri};
use koukan_core::resource::Location;

use super::host::{Hosts, named};

/// The prefix of absolute locations: scheme and authority, or empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base(String);

impl Base {
    pub(super) fn new(url: &str) -> Self {
        Self(url.trim_end_matches('/').into())
    }

    /// The name by which the client addresses this server, if that is one of its names. Another
    /// name is only used if no better one is known.
    pub(super) fn of_request(uri: &Uri, headers: &HeaderMap, hosts: &Hosts) -> Self {
        let (named, scheme) = (named(uri, headers), hosts.scheme);
        match (named, hosts.bound()) {
            (Some(named), None) => Self(format!("{scheme}://{named}")),
            (Some(named), Some(_)) if hosts.is_ours(named.host()) => {
                Self(format!("{scheme}://{named}"))
            }
            (_, Some(bound)) => Self(format!("{scheme}://{bound}")),
            (None, None) => Self(String::new()),
        }
    }

    /// The URI of a location: locations of this agent become absolute, others stay as they are.
    pub(super) fn uri(&self, location: &Location) -> String {
        let text = location.as_str();
        if text.starts_with('/') {
            [&self.0, text].concat()
        } else {
            text.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::HOST;

    use crate::server::ServerSettings;

    use super::*;

    fn uri(host: &str, settings: &ServerSettings) -> String {
        let headers = HeaderMap::from_iter([(HOST, host.parse().unwrap())]);
        let hosts = Hosts::new(settings);
        let base = Base::of_request(&Uri::from_static("/x"), &headers, &hosts);
        base.uri(&Location::of_transaction("T"))
    }

    #[test]
    fn a_host_that_is_none_is_not_believed() {
        let settings = ServerSettings::default();
        for (host, location) in [
            ("a.example:8000", "http://a.example:8000/transactions/T"),
            ("[::1]:8000", "http://[::1]:8000/transactions/T"),
            ("user@a.example", "/transactions/T"),
            ("a.example/x", "/transactions/T"),
            ("a b", "/transactions/T"),
            ("", "/transactions/T"),
        ] {
            assert_eq!(uri(host, &settings), location, "{host}");
        }
    }

    #[test]
    fn another_host_gives_way_to_the_address_that_is_bound() {
        let bound = ServerSettings::default().with_bound("192.0.2.1:8000".parse().unwrap());
        let any = ServerSettings::default().with_bound("0.0.0.0:8000".parse().unwrap());
        for (host, settings, location) in [
            (
                "192.0.2.1:8000",
                &bound,
                "http://192.0.2.1:8000/transactions/T",
            ),
            (
                "localhost:9000",
                &bound,
                "http://localhost:9000/transactions/T",
            ),
            (
                "evil.example",
                &bound,
                "http://192.0.2.1:8000/transactions/T",
            ),
            ("", &bound, "http://192.0.2.1:8000/transactions/T"),
            (
                "mx.example:8000",
                &any,
                "http://mx.example:8000/transactions/T",
            ),
        ] {
            assert_eq!(uri(host, settings), location, "{host}");
        }
    }

    #[test]
    fn locations_of_others_stay() {
        let location = Location::new("https://b/transactions/T");
        let base = Base::new("https://a/");
        assert_eq!(base.uri(&location), "https://b/transactions/T");
        assert_eq!(base.uri(&Location::new("/x")), "https://a/x");
    }
}
