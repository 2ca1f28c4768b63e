//! What locations begin with.

use axum::http::{HeaderMap, Uri, header::HOST, uri::Authority};
use koukan_core::resource::Location;

/// What locations begin with: scheme and authority, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base(String);

impl Base {
    pub(super) fn new(url: &str) -> Self {
        Self(url.trim_end_matches('/').into())
    }

    /// As the client names this server, where that is a proper name.
    pub(super) fn of_request(uri: &Uri, headers: &HeaderMap) -> Self {
        let host = || headers.get(HOST)?.to_str().ok()?.parse().ok();
        let authority: Option<Authority> = uri.authority().cloned().or_else(host);
        match authority.filter(is_host_and_port) {
            Some(authority) => Self(format!("http://{authority}")),
            None => Self(String::new()),
        }
    }

    /// The URI of a location: those of this agent become absolute, others stay.
    pub(super) fn uri(&self, location: &Location) -> String {
        let text = location.as_str();
        if text.starts_with('/') {
            format!("{}{text}", self.0)
        } else {
            text.into()
        }
    }
}

/// Nothing that would turn a client elsewhere, such as user information.
fn is_host_and_port(authority: &Authority) -> bool {
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-._:[]".contains(&octet);
    !authority.host().is_empty() && authority.as_str().bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_is_none_is_not_believed() {
        let location = Location::of_transaction("T");
        for (host, uri) in [
            ("a.example:8000", "http://a.example:8000/transactions/T"),
            ("[::1]:8000", "http://[::1]:8000/transactions/T"),
            ("user@a.example", "/transactions/T"),
            ("a.example/x", "/transactions/T"),
            ("a b", "/transactions/T"),
            ("", "/transactions/T"),
        ] {
            let headers = HeaderMap::from_iter([(HOST, host.parse().unwrap())]);
            let base = Base::of_request(&Uri::from_static("/x"), &headers);
            assert_eq!(base.uri(&location), uri, "{host}");
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
