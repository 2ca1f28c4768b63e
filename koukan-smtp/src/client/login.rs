//! The credentials of a client.

use std::sync::Arc;

use crate::{
    sasl::{Credentials, Mechanism, Mechanisms, Password},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The credentials that a client uses with its servers. Clones share them, so that an expired token
/// can be replaced.
///
/// The best mechanism that a server offers is used: SCRAM-SHA-256 (with the feature `scram`), PLAIN
/// or LOGIN for a password, OAUTHBEARER for a token.
#[derive(Debug, Clone)]
pub struct Login {
    credentials: Arc<Mutex<Credentials>>,
    mechanisms: Mechanisms,
    is_clear: bool,
}

impl Login {
    /// A user with a password.
    pub fn with_password(user: impl Into<Box<str>>, password: impl Into<Password>) -> Self {
        Self::new(user, password, Mechanisms::of_passwords())
    }

    /// A user with a token.
    pub fn with_token(user: impl Into<Box<str>>, token: impl Into<Password>) -> Self {
        let mechanisms = [Mechanism::OAuthBearer].into_iter().collect();
        Self::new(user, token, mechanisms)
    }

    fn new(user: impl Into<Box<str>>, secret: impl Into<Password>, mechanisms: Mechanisms) -> Self {
        Self {
            credentials: Arc::new(Mutex::new(Credentials::new(user, secret))),
            mechanisms,
            is_clear: false,
        }
    }

    /// Also uses the credentials with servers without TLS: they then cross the network in clear.
    /// With servers on this host this is always allowed.
    #[must_use]
    pub fn in_clear(mut self) -> Self {
        self.is_clear = true;
        self
    }

    /// Replaces the password or the token, for connections that are opened from now on.
    pub fn replace(&self, secret: impl Into<Password>) {
        let mut credentials = self.lock();
        *credentials = Credentials::new(credentials.user(), secret);
    }

    /// The credentials for a server.
    pub(super) fn credentials(&self) -> Credentials {
        self.lock().clone()
    }

    pub(super) fn is_clear(&self) -> bool {
        self.is_clear
    }

    /// The best of the mechanisms that a server offers.
    pub(super) fn choose(&self, offered: &[Box<str>]) -> Option<Mechanism> {
        let offered = offered.iter().filter_map(|name| Mechanism::of(name));
        self.mechanisms.and(offered.collect()).iter().next()
    }

    fn lock(&self) -> MutexGuard<'_, Credentials> {
        self.credentials
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_what_is_offered_is_taken() {
        let password = Login::with_password("a", "b");
        let token = Login::with_token("a", "b");
        for (offered, by_password, by_token) in [
            ("", None, None),
            ("CRAM-MD5 XOAUTH2", None, None),
            ("LOGIN PLAIN", Some(Mechanism::Plain), None),
            (
                "login plain scram-sha-256 oauthbearer",
                Some(Mechanism::ScramSha256),
                Some(Mechanism::OAuthBearer),
            ),
        ] {
            let offered: Vec<_> = offered.split_whitespace().map(Box::from).collect();
            assert_eq!(password.choose(&offered), by_password, "{offered:?}");
            assert_eq!(token.choose(&offered), by_token, "{offered:?}");
        }
    }
}
