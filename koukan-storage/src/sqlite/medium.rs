//! Asks the medium whether it is full.
//!
//! SQLite says that a medium is full only where the system says so. An exceeded quota or file size
//! limit is an I/O error to it, and so is a broken disk or one that became read-only. A write beside
//! the log tells them apart.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use tokio::task::spawn_blocking;

use crate::private::FILE;

use super::files::beside;

/// How many octets are written.
const LEN: usize = 256 << 10;

/// Whether a file like the log of `database` cannot grow for want of space.
pub(super) async fn is_full(database: &Path) -> bool {
    let database = database.to_owned();
    let tried = spawn_blocking(move || grow(&database)).await;
    matches!(tried, Ok(Err(error)) if is_want_of_space(&error))
}

fn grow(database: &Path) -> io::Result<()> {
    let len = fs::metadata(beside(database, "-wal")).map_or(0, |log| log.len());
    let path = beside(database, ".trial");
    let mut file = File::options();
    let file = file.create(true).write(true).truncate(true).mode(FILE);
    // A limit on the size of files counts from the beginning.
    let written = file.open(&path)?.write_all_at(&vec![0; LEN], len);
    fs::remove_file(&path)?;
    written
}

fn is_want_of_space(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_medium_with_space_is_not_full_and_nothing_is_left_on_it() {
        let directory = tempfile::tempdir().unwrap();
        assert!(!is_full(&directory.path().join("queue.sqlite")).await);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        // This is some other trouble.
        assert!(!is_full(&directory.path().join("missing/queue.sqlite")).await);
    }

    #[test]
    fn only_want_of_space_counts() {
        let is_full = |kind: io::ErrorKind| is_want_of_space(&kind.into());
        for kind in [
            io::ErrorKind::StorageFull,
            io::ErrorKind::QuotaExceeded,
            io::ErrorKind::FileTooLarge,
        ] {
            assert!(is_full(kind), "{kind}");
        }
        for kind in [io::ErrorKind::ReadOnlyFilesystem, io::ErrorKind::Other] {
            assert!(!is_full(kind), "{kind}");
        }
    }
}
