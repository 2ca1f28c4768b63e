//! Keys that make it safe to repeat a request.

use std::fmt;

/// A sender's name for a request, and a digest of that request.
///
/// At most one of a sender's transactions has a key. Repeating the request finds that transaction;
/// using the key for another request is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The key.
    pub key: Box<str>,
    /// The digest of the request; `None` where it is unknown, as for keys of an older version. Such
    /// a key matches every request.
    pub request: Option<RequestDigest>,
}

/// A digest of a whole request: requests with the same digest are the same.
///
/// *Shape*: 32 octets, of SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestDigest([u8; 32]);

impl IdempotencyKey {
    /// Whether a request with this key repeats the one with digest `first`.
    pub fn repeats(&self, first: Option<&RequestDigest>) -> bool {
        match (&self.request, first) {
            (Some(this), Some(first)) => this == first,
            _ => true,
        }
    }
}

impl RequestDigest {
    /// A digest as it was computed.
    pub fn new(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// The octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for IdempotencyKey {
    /// A key whose request is unknown.
    fn from(key: &str) -> Self {
        Self {
            key: key.into(),
            request: None,
        }
    }
}

impl fmt::Debug for RequestDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_repeated_where_nothing_says_otherwise() {
        let [one, other] = [1, 2].map(|octet| RequestDigest::new([octet; 32]));
        let keyed = |request| IdempotencyKey {
            key: "k".into(),
            request,
        };
        assert!(keyed(Some(one)).repeats(Some(&one)));
        assert!(!keyed(Some(one)).repeats(Some(&other)));
        assert!(keyed(Some(one)).repeats(None));
        assert!(keyed(None).repeats(Some(&one)));
        assert!(IdempotencyKey::from("k").repeats(None));
    }
}
