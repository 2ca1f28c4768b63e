//! The files of an open database, and whether they are still in place.
//!
//! SQLite keeps its files open and goes on writing to them after their names are gone. All that is
//! lost when the process ends. So no write is acknowledged and nothing is read unless every file is
//! still the one that was opened.
//!
//! The same holds for a database that is damaged: SQLite says so when it meets a damaged page, and a
//! main file that somebody else has written is noticed here ([`MainFile`]). Files may come back. Damage
//! stays until the process ends, since its connections remember pages of both.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use koukan_core::causes::Causes;

use super::main_file::MainFile;

/// A database has at least one page, of at least 512 octets.
const LEN_MIN: u64 = 512;

/// The files of a database, as they were when it was opened.
#[derive(Debug)]
pub(super) struct Files {
    known: Vec<Known>,
    /// The database, where only this process writes it.
    main: Option<MainFile>,
    is_lost: AtomicBool,
    damage: OnceLock<Arc<str>>,
}

#[derive(Debug)]
struct Known {
    path: PathBuf,
    /// Device and inode number.
    identity: (u64, u64),
    len_min: u64,
}

/// The database can no longer be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileLost {
    /// A file is no longer the one that was opened.
    #[error(
        "{} was deleted, replaced or emptied while it was in use; put it back, or start again",
        path.display()
    )]
    Gone {
        path: PathBuf,
        #[source]
        source: Option<io::Error>,
    },
    #[error(
        "database {} is damaged ({what}): stop the agent, keep a copy of all files of the database, and \
         restore it",
        path.display()
    )]
    Damaged { path: PathBuf, what: Arc<str> },
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
        let main = MainFile::note(real)?;
        let known = [
            known(path.into(), LEN_MIN)?,
            known(beside(real, "-wal"), 0)?,
            known(beside(real, "-shm"), 0)?,
            known(beside(real, ".lock"), 0)?,
        ];
        Ok(Self {
            known: known.into(),
            main: Some(main),
            is_lost: AtomicBool::new(false),
            damage: OnceLock::new(),
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
            main: None,
            is_lost: AtomicBool::new(false),
            damage: OnceLock::new(),
        })
    }

    /// Checks that all files are still in place, and undamaged as far as is known. The first loss and
    /// the return are logged.
    ///
    /// Costs one system call for each file, and three for the beginnings of the main file and the log.
    pub(super) fn check(&self) -> Result<(), FileLost> {
        self.check_damage()?;
        let lost = self.known.iter().find_map(|known| known.check().err());
        let was_lost = self.is_lost.swap(lost.is_some(), Ordering::Relaxed);
        match (&lost, was_lost) {
            (Some(lost), false) => tracing::error!(
                error = %Causes(lost),
                "THE DATABASE IS GONE: no mail is taken or delivered any more"
            ),
            (None, true) => tracing::warn!("the database is there again: mail is taken again"),
            _ => {}
        }
        lost.map_or(Ok(()), Err)?;
        match self.main.as_ref().and_then(MainFile::damage) {
            Some(what) => {
                self.damaged(what);
                self.check_damage()
            }
            None => Ok(()),
        }
    }

    /// Notes that SQLite has found damage. From now on nothing is written or read. Where a database is
    /// only read, what can be read still is.
    pub(super) fn damaged(&self, what: &str) {
        if self.main.is_none() || self.damage.set(what.into()).is_err() {
            return;
        }
        if let Err(lost) = self.check_damage() {
            tracing::error!(
                error = %lost,
                "THE DATABASE IS DAMAGED: no mail is taken or delivered any more"
            );
        }
    }

    /// To be called before this process writes the main file.
    pub(super) fn begin_to_write(&self) {
        self.main.iter().for_each(MainFile::begin_to_write);
    }

    /// To be called after it has written the main file.
    pub(super) fn wrote(&self) {
        self.main.iter().for_each(MainFile::wrote);
    }

    fn check_damage(&self) -> Result<(), FileLost> {
        let Some(what) = self.damage.get() else {
            return Ok(());
        };
        let path = self.known.first().map(|known| known.path.clone());
        Err(FileLost::Damaged {
            path: path.unwrap_or_default(),
            what: Arc::clone(what),
        })
    }
}

impl Known {
    fn check(&self) -> Result<(), FileLost> {
        let lost = |source| FileLost::Gone {
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
