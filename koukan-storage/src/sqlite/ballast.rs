//! A file that reserves space on the medium, and is removed when the medium is full.
//!
//! A lease is a write, and needs space in the log. While the reserve is free there is some. But other
//! programs write to the same medium, and ignore the reserve. When they have filled it, this file is
//! removed to make space for the log, so that queued mail is still delivered.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use koukan_core::causes::Causes;
use tokio::task::spawn_blocking;

use crate::private::FILE;

use super::files::beside;

/// Octets that are written at a time.
const PIECE: usize = 1 << 20;

/// The file, beside the database.
#[derive(Debug)]
pub(super) struct Ballast {
    path: PathBuf,
    len: u64,
    is_there: bool,
}

impl Ballast {
    pub(super) fn new(database: &Path, len: u64) -> Self {
        let path = beside(database, ".reserve");
        Self {
            // An earlier process may have left the file.
            is_there: is_there(&path, len),
            path,
            len,
        }
    }

    /// Creates the file if it is missing.
    pub(super) async fn keep(&mut self) {
        if self.is_there {
            return;
        }
        let (path, len) = (self.path.clone(), self.len);
        let kept = spawn_blocking(move || keep(&path, len)).await;
        match kept.unwrap_or_else(|stopped| Err(io::Error::other(stopped))) {
            Ok(()) => self.is_there = true,
            Err(error) => {
                let path = self.path.display();
                tracing::warn!(error = %Causes(&error), %path, "could not reserve space for a full disk");
            }
        }
    }

    /// Removes the file to make space. Returns whether there was one.
    pub(super) fn let_go(&mut self) -> bool {
        let removed = std::mem::take(&mut self.is_there).then(|| fs::remove_file(&self.path));
        matches!(removed, Some(Ok(())))
    }
}

fn is_there(path: &Path, len: u64) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.len() == len)
}

/// Writes the file.
fn keep(path: &Path, len: u64) -> io::Result<()> {
    let mut file = File::options();
    let file = file.create(true).write(true).truncate(true).mode(FILE);
    let written = fill(&mut file.open(path)?, len);
    if written.is_err() {
        // A partial file would only take space.
        let _ = fs::remove_file(path);
    }
    written
}

fn fill(file: &mut File, len: u64) -> io::Result<()> {
    let zeros = vec![0; PIECE];
    let mut left = len;
    while left > 0 {
        let piece = left.min(PIECE as u64);
        let piece = usize::try_from(piece).unwrap_or(PIECE);
        file.write_all(&zeros[..piece])?;
        left -= piece as u64;
    }
    // Some file systems notice only here that there is no space.
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_kept_until_it_is_let_go() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("queue.sqlite");
        let path = directory.path().join("queue.sqlite.reserve");
        let len = (PIECE as u64) * 2 + 5;
        for len in [len, len, 7] {
            let mut ballast = Ballast::new(&database, len);
            ballast.keep().await;
            assert_eq!(fs::metadata(&path).unwrap().len(), len);
        }
        // The same in a later process, on a medium that was full before.
        let mut ballast = Ballast::new(&database, 7);
        assert!(ballast.let_go());
        assert!(!path.exists());
        assert!(!ballast.let_go());
    }

    #[tokio::test]
    async fn where_it_cannot_be_kept_nothing_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let mut ballast = Ballast::new(&directory.path().join("missing/queue"), 7);
        ballast.keep().await;
        assert!(!ballast.let_go());
    }
}
