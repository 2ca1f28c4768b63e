//! Files and directories that only their owner may access.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
};

/// The mode of a new file: its owner may read and write it.
pub(crate) const FILE: u32 = 0o600;
/// The mode of a new directory: its owner may do anything.
const DIRECTORY: u32 = 0o700;
const OTHERS: u32 = 0o077;

/// Creates a directory and its missing parents. Existing directories keep their permissions, since
/// they may hold other things.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY)
        .create(path)
}

/// Removes everybody's access but the owner's from an existing file: an earlier version may have
/// made it, or it may be a copy.
pub(crate) fn tighten(path: &Path) {
    let Ok(metadata) = fs::metadata(path) else {
        return;
    };
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & OTHERS == 0 {
        return;
    }
    let file = path.display();
    match fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS)) {
        Ok(()) => tracing::info!(%file, "others could read this file; they no longer can"),
        Err(error) => tracing::warn!(
            %file,
            %error,
            "others can read this file, which holds messages: run `chmod go= FILE` as its owner"
        ),
    }
}
