//! The file of a database, open beside SQLite.
//!
//! POSIX takes all locks on a file from a process that closes *any* descriptor of it, SQLite's own
//! locks among them. So everybody in the process who reads the file shares one descriptor, and it
//! stays open as long as one of them may have connections.

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
    sync::{Arc, Mutex, PoisonError, Weak},
};

static ALL: Mutex<Vec<Weak<Held>>> = Mutex::new(Vec::new());

/// An open file.
#[derive(Debug)]
pub(super) struct Held {
    file: File,
    /// Device and inode number.
    identity: (u64, u64),
}

impl Held {
    /// The file at `path`. To be called before SQLite opens it, and kept until SQLite has closed it.
    pub(super) fn open(path: &Path) -> io::Result<Arc<Self>> {
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|held| held.strong_count() > 0);
        let identity = identity(&path.metadata()?);
        let mut there = all.iter().filter_map(Weak::upgrade);
        if let Some(held) = there.find(|held| held.identity == identity) {
            return Ok(held);
        }
        let file = File::open(path)?;
        let identity = self::identity(&file.metadata()?);
        let held = Arc::new(Self { file, identity });
        all.push(Arc::downgrade(&held));
        Ok(held)
    }

    /// The length in octets.
    pub(super) fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

/// Fills `octets` from the beginning of a file, with zeros where the file ends before that. Returns how
/// many are the file's.
pub(super) fn begin(file: &File, octets: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < octets.len() {
        match file.read_at(&mut octets[read..], read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    octets[read..].fill(0);
    Ok(read)
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}
