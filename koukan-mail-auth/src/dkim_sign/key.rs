use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    dkim::{SignatureSpec, SigningKey},
    domain::is_within,
};

/// A key that can be replaced while it is in use. Clones share it.
#[derive(Debug, Clone)]
pub struct SharedKey(Arc<Mutex<Arc<SigningKey>>>);

/// A key, for which authors it signs, and what its signature says.
#[derive(Debug, Clone)]
pub struct Key {
    pub(super) spec: SignatureSpec,
    pub(super) key: SharedKey,
    has_subdomains: bool,
    is_for_all: bool,
}

impl SharedKey {
    /// Starts with this key.
    pub fn new(key: SigningKey) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(key))))
    }

    /// Uses another key from now on. Messages that are being signed keep the old one.
    pub fn replace(&self, key: SigningKey) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
    }

    /// The current key.
    pub fn now(&self) -> Arc<SigningKey> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Key {
    /// Signs for authors in the signature's domain.
    pub fn new(spec: SignatureSpec, key: SharedKey) -> Self {
        Self {
            spec,
            key,
            has_subdomains: false,
            is_for_all: false,
        }
    }

    /// Signs for authors in its subdomains, too.
    #[must_use]
    pub fn with_subdomains(mut self) -> Self {
        self.has_subdomains = true;
        self
    }

    /// Signs every message that names an author, whoever it is.
    #[must_use]
    pub fn for_all(mut self) -> Self {
        self.is_for_all = true;
        self
    }

    /// Whether it signs for an author in this domain, which is in lower case.
    pub(super) fn is_for(&self, author: &str) -> bool {
        let own = self.spec.domain();
        self.is_for_all
            || author.eq_ignore_ascii_case(own)
            || (self.has_subdomains && is_within(author, own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dkim::Algorithm;

    #[test]
    fn for_whom_a_key_signs() {
        let (key, _) = SigningKey::generate(Algorithm::Ed25519).unwrap();
        let exact = Key::new(SignatureSpec::new("Example.com", "s"), SharedKey::new(key));
        let below = exact.clone().with_subdomains();
        let all = exact.clone().for_all();
        for (author, expected) in [
            ("example.com", [true, true, true]),
            ("a.example.com", [false, true, true]),
            ("a.b.example.com", [false, true, true]),
            ("aexample.com", [false, false, true]),
            ("com", [false, false, true]),
            ("", [false, false, true]),
        ] {
            let found = [&exact, &below, &all].map(|key| key.is_for(author));
            assert_eq!(found, expected, "{author}");
        }
    }
}
