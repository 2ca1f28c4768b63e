//! Files and directories that only their owner may look into.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
};

/// What a new file may be used for: to be read and written by its owner.
pub(crate) const FILE: u32 = 0o600;
/// What a new directory may be used for: anything, by its owner.
const DIRECTORY: u32 = 0o700;
const OTHERS: u32 = 0o077;

/// Makes a directory, and those above it, where they are missing. Those that are there stay as they
/// are: they may hold other things.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY)
        .create(path)
}

/// Takes a file that is there from everyone but its owner: an earlier version made it, or a copy.
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
