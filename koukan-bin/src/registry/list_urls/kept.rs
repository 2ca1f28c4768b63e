//! The file that keeps the last valid list.

use std::{
    io::{self, Read},
    path::Path,
};

use koukan_core::files;

/// Reads the file, if it exists: at most `max` octets.
///
/// # Errors
///
/// Why it cannot be read; the text names the file.
pub(super) fn read(file: &Path, max: usize) -> Result<Option<String>, String> {
    let shown = file.display();
    let opened = match files::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| format!("cannot read {shown}: {error}"))?,
    };
    let mut octets = Vec::new();
    let mut limited = opened.take(max as u64 + 1);
    let read = limited.read_to_end(&mut octets);
    read.map_err(|error| format!("cannot read {shown}: {error}"))?;
    if octets.len() > max {
        return Err(format!("{shown} has more than {max} octets"));
    }
    let text = String::from_utf8(octets);
    text.map(Some).map_err(|_| format!("{shown} is not UTF-8"))
}
