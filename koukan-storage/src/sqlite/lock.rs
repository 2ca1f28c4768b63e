//! One process for each database.

use std::{
    fs::{File, TryLockError},
    path::Path,
};

use super::OpenError;

/// The right to use a database, until it is dropped or the process ends.
pub(super) struct ProcessLock {
    _file: File,
}

impl ProcessLock {
    /// Takes the lock on the file beside the database.
    pub(super) fn take(database: &Path) -> Result<Self, OpenError> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let failed = |source| OpenError::Io {
            path: path.clone().into(),
            source,
        };
        let mut open = File::options();
        let open = open.create(true).truncate(false).write(true);
        let file = open.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked {
                path: database.into(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}
