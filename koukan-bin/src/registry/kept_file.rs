//! A file in which something is kept beyond a restart.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// A file that is written as a whole, by this process alone.
#[derive(Debug)]
pub(super) struct KeptFile {
    path: PathBuf,
    /// One writes at a time: one whose disk hangs may still be at it.
    writing: Mutex<()>,
}

impl KeptFile {
    /// The file may not be there yet; its folder is.
    ///
    /// # Errors
    ///
    /// What is wrong with its path.
    pub(super) fn new(path: PathBuf) -> Result<Self, String> {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let shown = path.display();
        if !folder.unwrap_or(Path::new(".")).is_dir() {
            return Err(format!("cannot write {shown}: there is no such folder"));
        }
        if path.is_dir() {
            return Err(format!("cannot write {shown}: it is a folder"));
        }
        Ok(Self {
            path,
            writing: Mutex::default(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the pieces that `content` makes, if it makes something: in a file beside, which nobody else may read or has made, and
    /// which takes the place of the old one once the disk has it. Of one that a crash has cut nothing can be read.
    pub(super) fn write<C>(&self, content: impl FnOnce() -> Option<C>) -> io::Result<()>
    where
        C: IntoIterator<Item: AsRef<[u8]>>,
    {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(content) = content() else {
            return Ok(());
        };
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        // A crash may have left one; and what somebody has put there, as a link to elsewhere, is not written to.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = fs::File::options();
        let mut new = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)?;
        for piece in content {
            new.write_all(piece.as_ref())?;
        }
        new.sync_all()?;
        fs::rename(&beside, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn what_is_written_goes_nowhere_else_and_is_for_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let [path, beside, other] =
            ["kept", "kept.new", "other"].map(|name| folder.path().join(name));
        fs::write(&other, "theirs").unwrap();
        symlink(&other, &beside).unwrap();
        let file = KeptFile::new(path.clone()).unwrap();
        file.write(|| Some(["first"])).unwrap();
        // As a crash leaves it.
        fs::write(&beside, "sec").unwrap();
        file.write(|| Some(["sec", "ond"])).unwrap();
        file.write(|| None::<[&str; 1]>).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "second");
        assert_eq!(fs::read_to_string(&other).unwrap(), "theirs");
        assert!(!beside.exists());
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for (wrong, told) in [("none/kept", "no such folder"), ("", "it is a folder")] {
            let error = KeptFile::new(folder.path().join(wrong)).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
}
