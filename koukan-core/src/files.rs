//! Reading files that a configuration names.
//!
//! A pipe, a socket or a device in the place of a file is an error here: whoever reads a pipe would wait until somebody
//! writes into it, and some devices never end. `/dev/null` is an empty file. Links are followed.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read},
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::Path,
};

/// The device that is always empty.
const NULL: &str = "/dev/null";

/// Opens a file for reading.
///
/// # Errors
///
/// The system's error, or [`ErrorKind::InvalidInput`] for a pipe, a socket or a device. A folder can be opened, and cannot
/// be read.
pub fn open(path: &Path) -> io::Result<File> {
    let found = fs::metadata(path)?;
    let kind = found.file_type();
    // Links and mounts lead to it under other names.
    let is_null = || {
        kind.is_char_device() && fs::metadata(NULL).is_ok_and(|null| null.rdev() == found.rdev())
    };
    if !kind.is_file() && !kind.is_dir() && !is_null() {
        let text = "it is a pipe, a socket or a device, and must be a file";
        return Err(io::Error::new(ErrorKind::InvalidInput, text));
    }
    File::open(path)
}

/// Reads a whole file.
///
/// # Errors
///
/// Those of [`open`], and of reading.
///
/// # Example
///
/// ```
/// use koukan_core::files;
///
/// let error = files::read("/dev/zero".as_ref()).unwrap_err();
/// assert!(error.to_string().contains("must be a file"));
/// assert_eq!(files::read("/dev/null".as_ref()).unwrap(), b"");
/// ```
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    open(path)?.read_to_end(&mut octets)?;
    Ok(octets)
}

/// Reads a whole file that holds text.
///
/// # Errors
///
/// The same as for [`read`], and [`ErrorKind::InvalidData`] if it is not UTF-8.
pub fn read_to_string(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::{fs::symlink, net::UnixListener};

    use super::*;

    #[test]
    fn only_a_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link, socket, missing] =
            ["file", "link", "socket", "missing"].map(|name| folder.path().join(name));
        fs::write(&file, "text").unwrap();
        symlink(&file, &link).unwrap();
        let _socket = UnixListener::bind(&socket).unwrap();
        for path in [&file, &link] {
            assert_eq!(read(path).unwrap(), b"text");
            assert_eq!(read_to_string(path).unwrap(), "text");
        }
        for (path, kind) in [
            (&*socket, ErrorKind::InvalidInput),
            (Path::new("/dev/zero"), ErrorKind::InvalidInput),
            (folder.path(), ErrorKind::IsADirectory),
            (&missing, ErrorKind::NotFound),
        ] {
            let errors = [read(path).err(), read_to_string(path).err()];
            for error in errors.into_iter().flatten() {
                assert_eq!(error.kind(), kind, "{}", path.display());
            }
            assert!(read(path).is_err());
        }
        fs::write(&file, [0xff]).unwrap();
        assert_eq!(read(&file).unwrap(), [0xff]);
        let error = read_to_string(&file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
}
