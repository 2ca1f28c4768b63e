//! Base 64, in which the lines of an authentication exchange are written.

use base64::{Engine, prelude::BASE64_STANDARD};

/// A text is not base 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not base 64")]
pub struct InvalidBase64;

/// Writes octets in base 64.
pub fn encode(octets: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(octets)
}

/// Reads base 64; padding must be there.
///
/// # Errors
///
/// [`InvalidBase64`].
pub fn decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, InvalidBase64> {
    BASE64_STANDARD.decode(text).map_err(|_| InvalidBase64)
}
