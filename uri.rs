//! URIs of resources.

use std::{
    borrow::Cow,
    fmt::Write,
    sync::Arc,
};

use koukan_core::resource::Location;

/// What locations of this agent are put onto: `https://mail.example.com`, or nothing, so that they
/// stay paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Base(Option<Arc<str>>);

/// A text is not the base of URIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a base of URIs: a scheme, a host and perhaps a port, as in https://mail.example.com")]
pub struct InvalidBase;

impl Base {
    /// A base of scheme and authority, as in `https://mail.example.com:8000`; a slash at the end
    /// is dropped, other paths and queries are mistakes.
    ///
    /// # Errors
    ///
    /// [`InvalidBase`].
    pub fn new(text: &str) -> Result<Self, InvalidBase> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let (scheme, authority) = text.split_once("://").ok_or(InvalidBase)?;
        if !matches!(scheme, "http" | "https") || !is_authority(authority) {
            return Err(InvalidBase);
        }
        Ok(Self(Some(text.into())))
    }

    /// The URI of a location: absolute if this base is not empty, with what may not stand in a
    /// URI percent-encoded. A location that is absolute already stays as it is.
    pub fn uri_of(&self, location: &Location) -> String {
        let path = encode(location.as_str());
        match &self.0 {
            Some(base) if path.starts_with('/') => format!("{base}{path}"),
            _ => path.into_owned(),
        }
    }
}

/// Host and port, without user information.
fn is_authority(text: &str) -> bool {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "-._~:[]".contains(c);
    let parsed = text.parse::<http::uri::Authority>();
    let has_host = |authority: &http::uri::Authority| !authority.host().is_empty();
    text.chars().all(is_safe) && parsed.is_ok_and(|authority| has_host(&authority))
}

/// Encodes what may not stand in a URI; `%` is taken as the start of what is encoded already.
fn encode(text: &str) -> Cow<'_, str> {
    let is_allowed = |octet: u8| {
        octet.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&octet)
    };
    if text.bytes().all(is_allowed) {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(text.len() + 8);
    for octet in text.bytes() {
        if is_allowed(octet) {
            encoded.push(char::from(octet));
        } else {
            write!(encoded, "%{octet:02X}").expect("writing to a String succeeds");
        }
    }
    Cow::Owned(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_scheme_and_authority() {
        for text in ["http://a", "https://a.example:1", "http://[::1]:8000", "http://a/"] {
            let base = Base::new(text).unwrap();
            let uri = base.uri_of(&Location::of_transaction("T"));
            let text = text.trim_end_matches('/');
            assert_eq!(uri, format!("{text}/transactions/T"));
        }
        for text in ["", "a", "/", "ftp://a", "http://", "http://a/b", "http://a@b", "http://a?x"] {
            assert_eq!(Base::new(text), Err(InvalidBase), "{text}");
        }
    }

    #[test]
    fn what_may_not_stand_in_a_uri_is_encoded() {
        let base = Base::default();
        let uri = base.uri_of(&Location::new("/transactions/T/blob/a b\u{e9}"));
        assert_eq!(uri, "/transactions/T/blob/a%20b%C3%A9");
    }

    #[test]
    fn an_absolute_location_stays() {
        let base = Base::new("http://a").unwrap();
        assert_eq!(base.uri_of(&Location::new("https://b/c")), "https://b/c");
    }
}
