//! Finds out whether files have changed.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Files, and their state when they were last checked.
#[derive(Debug, Clone)]
pub(crate) struct Stamps {
    files: Vec<PathBuf>,
    seen: Vec<Option<Stamp>>,
}

/// Something of this differs once a file was written or replaced, even by a copy with the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
    inode: u64,
}

impl Stamps {
    /// The present state of the files. A caller that takes it before reading them misses no change.
    pub(crate) fn new(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let files: Vec<_> = files.into_iter().collect();
        let seen = files.iter().map(|file| stamp(file)).collect();
        Self { files, seen }
    }

    /// The first of the files.
    pub(crate) fn first(&self) -> Option<&Path> {
        self.files.first().map(PathBuf::as_path)
    }

    /// The first of the files, if any of them has changed, appeared or disappeared since the last call.
    pub(crate) fn changed(&mut self) -> Option<&Path> {
        let now: Vec<_> = self.files.iter().map(|file| stamp(file)).collect();
        if now == self.seen {
            return None;
        }
        self.seen = now;
        self.first()
    }
}

fn stamp(file: &Path) -> Option<Stamp> {
    let found = fs::metadata(file).ok()?;
    Some(Stamp {
        modified: found.modified().ok(),
        len: found.len(),
        inode: found.ino(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{File, copy, read, remove_file, rename, write};

    use super::Stamps;

    #[test]
    fn each_way_to_change_a_file_is_seen_once() {
        let folder = tempfile::tempdir().unwrap();
        let [file, other] = ["file", "other"].map(|name| folder.path().join(name));
        write(&file, "one").unwrap();
        write(&other, "other").unwrap();
        let mut stamps = Stamps::new([file.clone(), other.clone()]);
        assert_eq!(stamps.first(), Some(&*file));
        assert_eq!(stamps.changed(), None);
        let mut is_seen = |how: &str| {
            assert_eq!(stamps.changed(), Some(&*file), "{how}");
            assert_eq!(stamps.changed(), None, "{how}, once");
        };

        write(&other, "longer than before").unwrap();
        is_seen("written");

        remove_file(&other).unwrap();
        is_seen("gone");
        write(&other, "back").unwrap();
        is_seen("come");

        // `cp -p` and many deployment tools do this.
        let time = File::open(&file).unwrap().metadata().unwrap().modified();
        let new = folder.path().join("new");
        copy(&file, &new).unwrap();
        let changed = read(&new)
            .unwrap()
            .iter()
            .map(|octet| octet + 1)
            .collect::<Vec<_>>();
        write(&new, changed).unwrap();
        let file_of_new = File::options().write(true).open(&new).unwrap();
        file_of_new.set_modified(time.unwrap()).unwrap();
        rename(&new, &file).unwrap();
        is_seen("replaced by one as long and as old");
    }
}
