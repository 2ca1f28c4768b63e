//! The files of listening Unix sockets.

use std::{
    fs::{self, Metadata, Permissions},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use tokio::net::{UnixListener, UnixStream};

/// The suffix of a socket's file until it is ready.
const NEW: &str = ".new";

/// Who may connect to a Unix socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnixAccess {
    /// The permissions of its file. Connecting requires permission to write.
    pub mode: u32,
    /// The group that the file belongs to, where that is not the process's own.
    pub group: Option<u32>,
}

impl Default for UnixAccess {
    /// The process's own user and group.
    fn default() -> Self {
        Self {
            mode: 0o660,
            group: None,
        }
    }
}

/// The file of a listening socket. It is removed when this is dropped, unless another one has replaced it.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// The device and inode number.
    identity: (u64, u64),
}

impl SocketFile {
    /// Listens at that path. The file appears there only when its permissions are set, and replaces that of a process
    /// that no longer listens. If several start to listen there at the same time, one succeeds.
    pub(super) async fn listen(
        path: &Path,
        access: UnixAccess,
    ) -> io::Result<(UnixListener, Self)> {
        // Nobody else uses that name until the file is in place, so nobody interferes.
        let (listener, mut file) = Self::begin(path).await?;
        check_free(path).await?;
        fs::set_permissions(&file.path, Permissions::from_mode(access.mode))?;
        if access.group.is_some() {
            chown(&file.path, None, access.group)?;
        }
        if identity(&fs::symlink_metadata(&file.path)?) != file.identity {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        fs::rename(&file.path, path)?;
        file.path = path.to_owned();
        Ok((listener, file))
    }

    /// Listens under a name beside that path.
    async fn begin(path: &Path) -> io::Result<(UnixListener, Self)> {
        let mut new = path.as_os_str().to_owned();
        new.push(NEW);
        let path = PathBuf::from(new);
        let listener = match UnixListener::bind(&path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                // A file left by a process that ended half-way, unless it is about to listen.
                check_free(&path).await?;
                fs::remove_file(&path)?;
                UnixListener::bind(&path)?
            }
            bound => bound?,
        };
        let identity = identity(&fs::symlink_metadata(&path)?);
        Ok((listener, Self { path, identity }))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let found = fs::symlink_metadata(&self.path);
        if found.is_ok_and(|found| identity(&found) == self.identity) {
            // Nobody listens there any more, and the next listener replaces the file.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Checks that there is nothing at that path, or a socket on which nobody listens.
async fn check_free(path: &Path) -> io::Result<()> {
    use io::ErrorKind::{AddrInUse, AlreadyExists, ConnectionRefused, NotFound, WouldBlock};
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            let text = "there is a file that is no socket";
            return Err(io::Error::new(AlreadyExists, text));
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        // A socket whose queue of clients is full is alive, too.
        Ok(_) => Err(AddrInUse.into()),
        Err(error) if error.kind() == WouldBlock => Err(AddrInUse.into()),
        Err(error) if matches!(error.kind(), ConnectionRefused | NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}
