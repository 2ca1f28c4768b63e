//! The keys with which requests are signed.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The prefix that a secret may have.
const PREFIX: &str = "whsec_";
/// The fewest octets in a secret: shorter ones can be guessed.
const OCTETS_MIN: usize = 24;

/// The secrets; each request is signed with every one of them. There is at least one. Clones share them, so that they
/// can be replaced.
#[derive(Clone)]
pub struct Secrets(Arc<Mutex<All>>);

/// The secrets at one time.
type All = Arc<[Box<[u8]>]>;

/// Why a text cannot be read as secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSecret {
    /// The text holds no secret.
    #[error("there is no secret in it")]
    Nothing,
    /// A line is not base64.
    #[error("line {0} is not base64")]
    NotBase64(usize),
    /// A line holds fewer than 24 octets.
    #[error("line {0} holds fewer than {OCTETS_MIN} octets, which can be guessed")]
    Short(usize),
}

impl Secrets {
    /// Reads secrets: one in each line, in base64, which may begin with `whsec_`. While a secret is being replaced
    /// there are two, and requests have a signature for each.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`].
    ///
    /// # Example
    ///
    /// ```
    /// use koukan_rest::webhook::Secrets;
    ///
    /// let secrets = Secrets::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    /// let signature = secrets.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b"{\"test\": 2432232314}");
    /// assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    /// ```
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        read(text).map(|secrets| Self(Arc::new(Mutex::new(secrets.into()))))
    }

    /// Replaces the secrets for requests that are sent from now on.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`]; the secrets then stay as they are.
    pub fn replace(&self, text: &str) -> Result<(), InvalidSecret> {
        let secrets = read(text)?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = secrets.into();
        Ok(())
    }

    /// The present secrets. Signing a large content takes a while, so it is done without holding the lock.
    fn current(&self) -> All {
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&secrets)
    }

    /// The value of `webhook-signature` for a request with that id, time in seconds, and content.
    pub fn sign(&self, id: &str, timestamp: i64, content: &[u8]) -> String {
        let secrets = self.current();
        let signatures = secrets.iter().map(|secret| {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key has any length");
            mac.update(format!("{id}.{timestamp}.").as_bytes());
            mac.update(content);
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        });
        signatures.collect::<Vec<_>>().join(" ")
    }
}

fn read(text: &str) -> Result<Vec<Box<[u8]>>, InvalidSecret> {
    let mut secrets = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let encoded = line.strip_prefix(PREFIX).unwrap_or(line);
        let secret = STANDARD
            .decode(encoded)
            .map_err(|_| InvalidSecret::NotBase64(number))?;
        if secret.len() < OCTETS_MIN {
            return Err(InvalidSecret::Short(number));
        }
        secrets.push(secret.into());
    }
    match secrets.is_empty() {
        true => Err(InvalidSecret::Nothing),
        false => Ok(secrets),
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NEW: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn what_is_no_secret_is_told() {
        for (text, error) in [
            ("", InvalidSecret::Nothing),
            ("\n \n", InvalidSecret::Nothing),
            ("\nsecret!", InvalidSecret::NotBase64(2)),
            ("whsec_c2hvcnQ=", InvalidSecret::Short(1)),
        ] {
            assert_eq!(Secrets::parse(text).unwrap_err(), error, "{text:?}");
        }
        let secrets = Secrets::parse(OLD).unwrap();
        assert_eq!(format!("{secrets:?}"), "Secrets");
        let signed = secrets.sign("a", 1, b"b");
        assert!(secrets.replace("").is_err());
        assert_eq!(secrets.sign("a", 1, b"b"), signed);
    }

    #[test]
    fn each_secret_signs() {
        let old = Secrets::parse(OLD).unwrap();
        let new = Secrets::parse(&format!("whsec_{NEW}")).unwrap();
        let both = old.sign("a", 1, b"b") + " " + &new.sign("a", 1, b"b");
        let clone = old.clone();
        old.replace(&format!("{OLD}\n\n {NEW}\n")).unwrap();
        assert_eq!(clone.sign("a", 1, b"b"), both);
        // Each of the three is signed.
        for (id, timestamp, content) in [("x", 1, b"b"), ("a", 2, b"b"), ("a", 1, b"x")] {
            assert_ne!(new.sign(id, timestamp, content), new.sign("a", 1, b"b"));
        }
    }
}
