//! Octets that lie on the medium to be let go of when it is full.
//!
//! A lease is a write, for which the log needs room. While the reserve is free there is some; but
//! others write on the same medium, and do not ask. Where they have filled it, these octets are given
//! to the log, so that what is queued is delivered all the same.

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

/// The file that they are in, beside the database.
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
            // An earlier process may have left it.
            is_there: is_there(&path, len),
            path,
            len,
        }
    }

    /// Sees to it that they are there.
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
                tracing::warn!(error = %Causes(&error), %path, "could not keep room for a full disk");
            }
        }
    }

    /// Lets them go, so that others can be written; whether they were there.
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
        // What there is of it only takes room.
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
    // Some file systems find out only then that there is no room.
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
        // Also by the next process, on a medium that was full before.
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
