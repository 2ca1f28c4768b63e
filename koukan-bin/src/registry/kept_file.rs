//! A file that keeps data over restarts.

use std::{
    ffi::OsStr,
    fs,
    hash::{BuildHasher, RandomState},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The end of the name of a file that is written beside another, and then renamed to it.
const BESIDE: &str = ".new";
/// The age from which such a file counts as left behind by a crash.
const LEFT_BEHIND: Duration = Duration::from_secs(60 * 60);

/// A file that is always replaced as a whole. Several processes may write it: the last one to finish wins.
#[derive(Debug)]
pub(super) struct KeptFile {
    path: PathBuf,
    /// Only one thread writes at a time. A write may hang with its disk.
    writing: Mutex<()>,
}

impl KeptFile {
    /// The file need not exist yet; its directory must.
    ///
    /// # Errors
    ///
    /// What is wrong with the path.
    pub(super) fn new(path: PathBuf) -> Result<Self, String> {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let shown = path.display();
        if !folder.unwrap_or(Path::new(".")).is_dir() {
            return Err(format!("cannot write {shown}: there is no such folder"));
        }
        if path.is_dir() {
            return Err(format!("cannot write {shown}: it is a folder"));
        }
        remove_left_behind(&path);
        Ok(Self {
            path,
            writing: Mutex::default(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the pieces that `content` returns, if it returns any. They go into a new file beside the old one, which
    /// only this user can read, and which replaces the old one once it is on disk. So a crash leaves either the old
    /// file or the new one, never a part.
    pub(super) fn write<C>(&self, content: impl FnOnce() -> Option<C>) -> io::Result<()>
    where
        C: IntoIterator<Item: AsRef<[u8]>>,
    {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(content) = content() else {
            return Ok(());
        };
        let beside = beside(&self.path);
        let written = write_new(&beside, content).and_then(|()| fs::rename(&beside, &self.path));
        if written.is_err() {
            // An incomplete file only takes room. It may not exist at all.
            let _ = fs::remove_file(&beside);
        }
        written
    }
}

/// A path beside another file that no other process uses.
fn beside(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    let number = RandomState::new().hash_one(std::process::id());
    beside.push(format!(".{number:016x}{BESIDE}"));
    beside.into()
}

/// Writes a new file. An existing one, for example a link to another place, is never written to.
fn write_new<C>(path: &Path, content: C) -> io::Result<()>
where
    C: IntoIterator<Item: AsRef<[u8]>>,
{
    let mut options = fs::File::options();
    let options = options.write(true).create_new(true).mode(0o600);
    let mut new = options.open(path)?;
    for piece in content {
        new.write_all(piece.as_ref())?;
    }
    new.sync_all()
}

/// Removes files that crashes have left beside a file. A young one may be in use by another process.
fn remove_left_behind(path: &Path) {
    let Some(name) = path.file_name() else { return };
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let Ok(files) = fs::read_dir(folder.unwrap_or(Path::new("."))) else {
        return;
    };
    for file in files.flatten() {
        let modified = file.metadata().and_then(|it| it.modified());
        let age = modified.ok().and_then(|at| at.elapsed().ok());
        if is_beside(&file.file_name(), name) && age.is_some_and(|age| age > LEFT_BEHIND) {
            let _ = fs::remove_file(file.path());
        }
    }
}

/// Whether a name is that of a file that [`beside`] has named.
fn is_beside(name: &OsStr, of: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    let number = name
        .strip_prefix(of.as_encoded_bytes())
        .and_then(|rest| rest.strip_prefix(b"."))
        .and_then(|rest| rest.strip_suffix(BESIDE.as_bytes()));
    number.is_some_and(|number| number.len() == 16 && number.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use std::{
        ffi::OsString,
        os::unix::fs::{PermissionsExt, symlink},
    };

    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        let files = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_written_goes_nowhere_else_and_is_for_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let [path, other] = ["kept", "other"].map(|name| folder.path().join(name));
        fs::write(&other, "theirs").unwrap();
        symlink(&other, &path).unwrap();
        let file = KeptFile::new(path.clone()).unwrap();
        file.write(|| Some(["first"])).unwrap();
        file.write(|| Some(["sec", "ond"])).unwrap();
        file.write(|| None::<[&str; 1]>).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "second");
        assert_eq!(fs::read_to_string(&other).unwrap(), "theirs");
        assert_eq!(names(folder.path()), ["kept", "other"]);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for (wrong, told) in [("none/kept", "no such folder"), ("", "it is a folder")] {
            let error = KeptFile::new(folder.path().join(wrong)).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn two_processes_write_whole_files_in_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        let [one, other] = [(); 2].map(|()| KeptFile::new(path.clone()).unwrap());
        // The other begins and ends while the one is at it.
        let pieces = (0..3).map(|number| {
            if number == 1 {
                other.write(|| Some(["theirs"])).unwrap();
                assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
            }
            number.to_string()
        });
        one.write(|| Some(pieces)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "012");
        assert_eq!(names(folder.path()), ["kept"]);
    }

    #[test]
    fn what_a_crash_has_left_behind_is_removed_once_it_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        let [old, young] = [(); 2].map(|()| beside(&path));
        let theirs = folder.path().join("kept.notes.new");
        for file in [&old, &young, &theirs] {
            fs::write(file, "cut").unwrap();
        }
        for file in [&old, &theirs] {
            let file = fs::File::options().write(true).open(file).unwrap();
            file.set_modified(std::time::UNIX_EPOCH).unwrap();
        }
        KeptFile::new(path).unwrap();
        assert!(!old.exists());
        assert!(young.exists() && theirs.exists());
    }
}
