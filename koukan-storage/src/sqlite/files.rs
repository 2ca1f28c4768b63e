//! The files of an open database, and whether they are still in place.
//!
//! SQLite keeps its files open and goes on writing to them after their names are gone. All that is
//! lost when the process ends. So no write is acknowledged and nothing is read unless every file is
//! still the one that was opened.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

/// A database has at least one page, of at least 512 octets.
const LEN_MIN: u64 = 512;

/// The files of a database, as they were when it was opened.
#[derive(Debug)]
pub(super) struct Files {
    known: Vec<Known>,
    is_lost: AtomicBool,
}

#[derive(Debug)]
struct Known {
    path: PathBuf,
    /// Device and inode number.
    identity: (u64, u64),
    len_min: u64,
}

/// A file of the database is no longer the one that was opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} was deleted, replaced or emptied while it was in use; put it back, or start again",
    path.display()
)]
pub(super) struct FileLost {
    path: PathBuf,
    #[source]
    source: Option<io::Error>,
}

impl Files {
    /// Notes the current files: the database at `path`, and the files beside `real`, which `path`
    /// leads to.
    pub(super) fn note(path: &Path, real: &Path) -> io::Result<Self> {
        let known = |path: PathBuf, len_min| {
            let metadata = fs::metadata(&path)?;
            let identity = (metadata.dev(), metadata.ino());
            Ok::<_, io::Error>(Known {
                path,
                identity,
                len_min,
            })
        };
        let known = [
            known(path.into(), LEN_MIN)?,
            known(beside(real, "-wal"), 0)?,
            known(beside(real, "-shm"), 0)?,
            known(beside(real, ".lock"), 0)?,
        ];
        Ok(Self {
            known: known.into(),
            is_lost: AtomicBool::new(false),
        })
    }

    /// Notes the current file of a database that is only read.
    pub(super) fn note_read(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        let known = Known {
            path: path.into(),
            identity: (metadata.dev(), metadata.ino()),
            len_min: LEN_MIN,
        };
        Ok(Self {
            known: [known].into(),
            is_lost: AtomicBool::new(false),
        })
    }

    /// Checks that all files are still in place. The first loss and the return are logged.
    ///
    /// Costs one system call for each file.
    pub(super) fn check(&self) -> Result<(), FileLost> {
        let lost = self.known.iter().find_map(|known| known.check().err());
        let was_lost = self.is_lost.swap(lost.is_some(), Ordering::Relaxed);
        match (&lost, was_lost) {
            (Some(lost), false) => {
                let source = lost.source.as_ref().map(|source| source as _);
                let source: Option<&(dyn std::error::Error + 'static)> = source;
                tracing::error!(
                    error = %lost,
                    source,
                    "THE DATABASE IS GONE: no mail is taken or delivered any more"
                );
            }
            (None, true) => tracing::warn!("the database is there again: mail is taken again"),
            _ => {}
        }
        lost.map_or(Ok(()), Err)
    }
}

impl Known {
    fn check(&self) -> Result<(), FileLost> {
        let lost = |source| FileLost {
            path: self.path.clone(),
            source,
        };
        let metadata = fs::metadata(&self.path).map_err(|error| lost(Some(error)))?;
        let is_same = (metadata.dev(), metadata.ino()) == self.identity;
        if is_same && metadata.len() >= self.len_min {
            Ok(())
        } else {
            Err(lost(None))
        }
    }
}

/// The path with `suffix` appended to its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
