//! The secrets that sign rewritten addresses.

use std::{fmt, str::FromStr};

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};

/// The shortest secret, in characters.
const LEN_MIN: usize = 8;
/// Characters of the hash in an address.
const HASH_LEN: usize = 4;

/// Secrets. The newest signs new addresses; each of them verifies the addresses that it signed.
///
/// *Shape*: one per line, the newest first. White space around a secret, empty lines, and lines that begin with
/// `#` are ignored.
pub struct Secrets(Vec<hmac::Key>);

/// Why secrets cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSecrets {
    /// There is no secret.
    #[error("there is no secret: write one, as of `openssl rand -base64 24`")]
    None,
    /// A secret is too short.
    #[error("line {0}: a secret needs at least {LEN_MIN} characters")]
    Short(usize),
}

impl Secrets {
    /// The hash of the newest secret.
    pub(super) fn hash(&self, parts: &[&str]) -> String {
        self.0
            .first()
            .map(|key| hash(key, parts))
            .unwrap_or_default()
    }

    /// Whether one of the secrets has made this hash. Case does not matter, since some hosts change it. The
    /// comparison takes constant time.
    pub(super) fn has_made(&self, told: &str, parts: &[&str]) -> bool {
        let told = told.to_ascii_lowercase();
        let is_it = |key| {
            let own = hash(key, parts).to_ascii_lowercase();
            verify_slices_are_equal(own.as_bytes(), told.as_bytes()).is_ok()
        };
        self.0.iter().any(is_it)
    }
}

/// *Source*: Mail::SRS, `hash_create`.
fn hash(key: &hmac::Key, parts: &[&str]) -> String {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(part.to_ascii_lowercase().as_bytes());
    }
    let mut text = STANDARD.encode(context.sign());
    text.truncate(HASH_LEN);
    text
}

impl FromStr for Secrets {
    type Err = InvalidSecrets;

    fn from_str(text: &str) -> Result<Self, InvalidSecrets> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.len() < LEN_MIN {
                return Err(InvalidSecrets::Short(index + 1));
            }
            let algorithm = hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
            keys.push(hmac::Key::new(algorithm, line.as_bytes()));
        }
        match keys.is_empty() {
            true => Err(InvalidSecrets::None),
            false => Ok(Self(keys)),
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}
