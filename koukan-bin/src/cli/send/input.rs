//! Standard input in place of a file or text.

use std::{
    io::{self, IsTerminal, Read},
    path::Path,
};

use tower::BoxError;

/// The argument that stands for standard input.
const DASH: &str = "-";

/// Whether an argument stands for standard input.
pub(super) fn is_standard(argument: impl AsRef<Path>) -> bool {
    argument.as_ref() == Path::new(DASH)
}

/// Reads all of standard input. It must not be empty: the program that should have written it may have failed.
pub(super) fn read_standard() -> Result<Vec<u8>, BoxError> {
    let mut input = io::stdin().lock();
    if input.is_terminal() {
        eprintln!("reading from the terminal; end with Ctrl-D");
    }
    let mut octets = Vec::new();
    let read = input.read_to_end(&mut octets);
    read.map_err(|error| format!("cannot read standard input: {error}"))?;
    if octets.is_empty() {
        return Err("there is nothing on standard input".into());
    }
    Ok(octets)
}

/// The text of an argument, or of standard input.
pub(super) fn text(argument: &str) -> Result<String, BoxError> {
    if !is_standard(argument) {
        return Ok(argument.to_owned());
    }
    let text = String::from_utf8(read_standard()?);
    text.map_err(|_| "standard input is not text in UTF-8".into())
}
