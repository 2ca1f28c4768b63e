//! What a server keeps in place of a password.

use std::{fmt, str::FromStr};

use koukan_core::random::{NoRandomness, secret};
use subtle::ConstantTimeEq;

use super::{
    super::{decode, encode},
    keys::{ITERATIONS_MAX, ITERATIONS_MIN, Key, hash, key, salted, signature},
};

/// The most octets in a salt.
const SALT_MAX: usize = 64;
const PREFIX: &str = "SCRAM-SHA-256$";

/// What a server keeps in place of a password. Whoever has the verifier can check who knows the
/// password, but cannot log in with the verifier.
///
/// *Shape*: `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, the last three in base 64.
///
/// *Source*: RFC 5803.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    salt: Box<[u8]>,
    iterations: u32,
    stored_key: Key,
    server_key: Key,
}

/// A text is not a verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidVerifier {
    /// It has another shape.
    #[error("not of the form SCRAM-SHA-256$iterations:salt$key:key")]
    Shape,
    /// It has too few or too many iterations.
    #[error("iterations are not between {ITERATIONS_MIN} and {ITERATIONS_MAX}")]
    Iterations,
}

impl Verifier {
    /// Makes the verifier of a password, with a new salt. This needs much computing time: run it on
    /// a thread for blocking work.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`].
    ///
    /// # Panics
    ///
    /// When `iterations` are not between [`ITERATIONS_MIN`] and [`ITERATIONS_MAX`].
    pub fn new(password: &str, iterations: u32) -> Result<Self, NoRandomness> {
        assert!((ITERATIONS_MIN..=ITERATIONS_MAX).contains(&iterations));
        Ok(Self::of(password, &secret::<16>()?, iterations))
    }

    /// Makes a verifier that fits no password: nobody knows its keys.
    pub(super) fn of_nobody(salt: &[u8], iterations: u32, keys: [Key; 2]) -> Self {
        let [stored_key, server_key] = keys;
        Self {
            salt: salt.into(),
            iterations,
            stored_key,
            server_key,
        }
    }

    fn of(password: &str, salt: &[u8], iterations: u32) -> Self {
        let salted = salted(password, salt, iterations);
        Self {
            salt: salt.into(),
            iterations,
            stored_key: hash(&key(&salted, "Client Key")),
            server_key: key(&salted, "Server Key"),
        }
    }

    /// Whether it is the verifier of that password. This needs much computing time, the same for
    /// each password: run it on a thread for blocking work.
    pub fn fits(&self, password: &str) -> bool {
        let other = Self::of(password, &self.salt, self.iterations);
        self.is_stored_key(&other.stored_key)
    }

    /// The count of iterations: how many times the password is hashed.
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    pub(crate) fn salt(&self) -> &[u8] {
        &self.salt
    }

    pub(super) fn client_signature(&self, said: &str) -> Key {
        signature(&self.stored_key, said)
    }

    pub(super) fn server_signature(&self, said: &str) -> Key {
        signature(&self.server_key, said)
    }

    pub(super) fn is_stored_key(&self, key: &Key) -> bool {
        self.stored_key.ct_eq(key).into()
    }
}

impl FromStr for Verifier {
    type Err = InvalidVerifier;

    fn from_str(text: &str) -> Result<Self, InvalidVerifier> {
        let parts = || {
            let (cost, keys) = text.strip_prefix(PREFIX)?.split_once('$')?;
            let ((iterations, salt), (stored, server)) =
                (cost.split_once(':')?, keys.split_once(':')?);
            Some((iterations, decode(salt).ok()?, read(stored)?, read(server)?))
        };
        let (iterations, salt, stored_key, server_key) = parts().ok_or(InvalidVerifier::Shape)?;
        if salt.is_empty() || salt.len() > SALT_MAX {
            return Err(InvalidVerifier::Shape);
        }
        let iterations = iterations.parse().ok();
        let iterations =
            iterations.filter(|count| (ITERATIONS_MIN..=ITERATIONS_MAX).contains(count));
        Ok(Self {
            salt: salt.into(),
            iterations: iterations.ok_or(InvalidVerifier::Iterations)?,
            stored_key,
            server_key,
        })
    }
}

fn read(text: &str) -> Option<Key> {
    decode(text).ok()?.try_into().ok()
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [salt, stored, server] =
            [&*self.salt, &self.stored_key, &self.server_key].map(|octets: &[u8]| encode(octets));
        write!(f, "{PREFIX}{}:{salt}${stored}:{server}", self.iterations)
    }
}

/// Does not show the keys.
impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verifier of the password `pencil` of RFC 7677 section 3.
    const PENCIL: &str = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
                          WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
                          wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

    #[test]
    fn a_verifier_is_read_as_it_is_written() {
        let verifier: Verifier = PENCIL.parse().unwrap();
        assert_eq!(verifier.to_string(), PENCIL);
        assert!(verifier.fits("pencil"));
        assert!(!verifier.fits("Pencil"));
        let salt = decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        assert_eq!(Verifier::of("pencil", &salt, 4096), verifier);
        assert!(!format!("{verifier:?}").contains("WG5d"));
    }

    #[test]
    fn each_has_a_salt_of_its_own_and_passwords_are_prepared() {
        let [one, other] = [(); 2].map(|()| Verifier::new("I\u{ad}X", 4096).unwrap());
        assert_ne!(one, other);
        // RFC 4013 section 3: the soft hyphen is mapped to nothing.
        assert!(one.fits("IX") && other.fits("IX"));
    }

    #[test]
    fn what_is_no_verifier_is_refused() {
        for (text, error) in [
            (String::new(), InvalidVerifier::Shape),
            (PENCIL.replace("256", "1"), InvalidVerifier::Shape),
            (
                PENCIL.replace("W22ZaJ0SNY7soEsUEjb6gQ==", ""),
                InvalidVerifier::Shape,
            ),
            (PENCIL.replace("WG5d", ""), InvalidVerifier::Shape),
            (PENCIL.replace("=:", "="), InvalidVerifier::Shape),
            (PENCIL.replace("4096", "4095"), InvalidVerifier::Iterations),
            (
                PENCIL.replace("4096", "4000000000"),
                InvalidVerifier::Iterations,
            ),
            (PENCIL.replace("4096", "x"), InvalidVerifier::Iterations),
        ] {
            assert_eq!(text.parse::<Verifier>(), Err(error), "{text}");
        }
    }
}
