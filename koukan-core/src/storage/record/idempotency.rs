//! What makes a request safe to repeat.

use std::fmt;

/// What a sender calls a request, and which request that was.
///
/// Of the transactions of a sender's name, one at most has a key. Whoever repeats the request finds
/// that transaction; whoever uses the key for another request is told so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The name.
    pub key: Box<str>,
    /// Which request it is; `None` where nobody remembers, as with keys of an older version. Such a
    /// key is taken for that of any request.
    pub request: Option<RequestDigest>,
}

/// A digest of all that a request asks for: two requests with the same digest ask for the same.
///
/// *Shape*: 32 octets, of SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestDigest([u8; 32]);

impl IdempotencyKey {
    /// Whether a request of this key repeats the one of that digest.
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
    /// A key of which nobody remembers the request.
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
