//! What commands print.

use std::{
    fmt::Display,
    io::{self, Write},
};

/// Prints a text, and the end of its last line where that is missing.
pub(super) fn say(text: impl Display) {
    let mut text = text.to_string();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    if let Err(error) = print(text.as_bytes()) {
        eprintln!("koukan: cannot write to standard output: {error}");
    }
}

/// Prints octets. A reader that closes the pipe early, as `head` does, is not a failure.
///
/// # Errors
///
/// Standard output cannot be written.
pub(super) fn print(octets: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(octets).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
