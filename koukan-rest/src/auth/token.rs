//! Tokens: secrets that callers send. Only their hashes are kept.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use koukan_core::resource::Role;
use sha2::{Digest, Sha256};

/// A bearer token, known by its hash, and what it allows.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// The name of the token in logs.
    pub name: Box<str>,
    /// The SHA-256 of the secret. The secret has at least 128 bits of entropy, so a fast hash is enough.
    pub sha256: [u8; 32],
    /// The senders for which the caller may act; `None` for all.
    pub senders: Option<Vec<String>>,
    /// What the caller may do.
    pub role: Role,
    /// Whether the caller is believed about SMTP sessions, because it is another part of the same agent.
    pub trusted: bool,
    /// When the token expires; `None` if never.
    pub expires: Option<Timestamp>,
}

/// A text is not the hash of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 hash: 64 hexadecimal digits")]
pub struct InvalidHash;

impl Token {
    /// Makes a token from its hash in hexadecimal digits. It allows submission for every sender, is
    /// not trusted, and never expires.
    ///
    /// # Errors
    ///
    /// [`InvalidHash`].
    pub fn from_hex(name: impl Into<Box<str>>, hash: &str) -> Result<Self, InvalidHash> {
        let hash = hash.as_bytes();
        if hash.len() != 64 {
            return Err(InvalidHash);
        }
        let mut sha256 = [0; 32];
        for (octet, digits) in sha256.iter_mut().zip(hash.chunks_exact(2)) {
            *octet = digit(digits[0])? << 4 | digit(digits[1])?;
        }
        Ok(Self {
            name: name.into(),
            sha256,
            senders: None,
            role: Role::Submit,
            trusted: false,
            expires: None,
        })
    }
}

impl fmt::Debug for Token {
    /// Does not show the hash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("name", &self.name)
            .field("senders", &self.senders)
            .field("role", &self.role)
            .field("trusted", &self.trusted)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Makes a new secret of 256 bits. Returns the secret, which is given to the caller once, and its
/// SHA-256 in hexadecimal digits, which is kept.
///
/// # Panics
///
/// If the operating system has no random numbers.
///
/// # Example
///
/// ```
/// use koukan_rest::auth::{Token, generate_token};
///
/// let (secret, hash) = generate_token();
/// assert!(secret.starts_with("koukan_"));
/// assert!(Token::from_hex("app", &hash).is_ok());
/// ```
pub fn generate_token() -> (String, String) {
    let mut octets = [0; 32];
    getrandom::fill(&mut octets).expect("the operating system has random numbers");
    // The prefix lets scanners of source code find tokens that leaked.
    let secret = format!("koukan_{}", BASE64_URL_SAFE_NO_PAD.encode(octets));
    let hash = sha256(secret.as_bytes());
    let hex = hash.iter().map(|octet| format!("{octet:02x}")).collect();
    (secret, hex)
}

pub(super) fn sha256(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn digit(digit: u8) -> Result<u8, InvalidHash> {
    let value = char::from(digit).to_digit(16).ok_or(InvalidHash)?;
    u8::try_from(value).map_err(|_| InvalidHash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_secret_has_the_hash_that_comes_with_it() {
        let (secret, hash) = generate_token();
        let token = Token::from_hex("app", &hash).unwrap();
        assert_eq!(token.sha256, sha256(secret.as_bytes()));
        assert_ne!(generate_token().0, secret);
    }

    #[test]
    fn a_hash_has_64_digits() {
        assert!(Token::from_hex("app", &"0aF9".repeat(16)).is_ok());
        for hash in ["", "00", &"0".repeat(63), &"0".repeat(66), &"g".repeat(64)] {
            assert_eq!(Token::from_hex("app", hash), Err(InvalidHash), "{hash}");
        }
    }
}
