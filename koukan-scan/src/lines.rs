//! Reads a server's answer up to a limit.

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::ScanError;

/// Octets of an answer that are read at most.
pub(crate) const ANSWER_MAX: usize = 1 << 20;

/// Reads until the server closes the connection, or until `is_end` says that the answer is
/// complete.
///
/// # Errors
///
/// [`ScanError`]: the connection broke, or the answer is too long.
pub(crate) async fn answer(
    wire: &mut (impl AsyncRead + Unpin),
    is_end: impl Fn(&[u8]) -> bool,
) -> Result<Vec<u8>, ScanError> {
    let mut octets = Vec::with_capacity(1 << 10);
    while !is_end(&octets) {
        if octets.len() >= ANSWER_MAX {
            return Err(ScanError::said("more than anybody wants to know"));
        }
        if wire.read_buf(&mut octets).await? == 0 {
            break;
        }
    }
    Ok(octets)
}
