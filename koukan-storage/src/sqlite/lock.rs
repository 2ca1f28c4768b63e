//! The lock that limits a database to one process.

use std::{
    fs::{File, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use crate::private;

use super::{OpenError, files::beside};

/// The right to use a database, until it is dropped or the process ends.
pub(super) struct ProcessLock {
    _file: File,
}

impl ProcessLock {
    /// Takes the lock, which is on a file beside the database.
    pub(super) fn take(database: &Path) -> Result<Self, OpenError> {
        let path = beside(database, ".lock");
        let failed = |source| OpenError::Io {
            path: path.clone(),
            source,
        };
        let mut open = File::options();
        let open = open.create(true).truncate(false).write(true);
        let file = open.mode(private::FILE).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                private::tighten(&path);
                Ok(Self { _file: file })
            }
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked {
                path: database.into(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}
