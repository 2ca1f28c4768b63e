//! The file in which the last good list is kept.

use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

/// Whether it can be there.
///
/// # Errors
///
/// What is wrong with its path.
pub(super) fn check(file: &Path) -> Result<(), String> {
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
    match folder.unwrap_or(Path::new(".")).is_dir() && !file.is_dir() {
        true => Ok(()),
        false => Err(format!(
            "cannot write {}: there is no such folder",
            file.display()
        )),
    }
}

/// What was kept, if something was: no more than so many octets.
///
/// # Errors
///
/// Why it cannot be read; it names the file.
pub(super) fn read(file: &Path, max: usize) -> Result<Option<String>, String> {
    let shown = file.display();
    let opened = match fs::File::open(file) {
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

/// Keeps it: in a file beside, which takes the place of the old one once the disk has it.
pub(super) fn write(file: &Path, content: &[u8]) -> io::Result<()> {
    let mut beside = file.to_owned().into_os_string();
    beside.push(".new");
    let mut new = fs::File::create(&beside)?;
    new.write_all(content)?;
    new.sync_all()?;
    fs::rename(&beside, file)
}
