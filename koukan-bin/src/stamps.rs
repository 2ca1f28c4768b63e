//! Whether files have changed.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Files, and what was seen of them when somebody last looked.
#[derive(Debug, Clone)]
pub(crate) struct Stamps {
    files: Vec<PathBuf>,
    seen: Vec<Option<Stamp>>,
}

/// What differs once a file was written or replaced: also where a copy keeps the time of its original.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
    inode: u64,
}

impl Stamps {
    /// The files as they are now. Whoever takes this before reading them misses no change.
    pub(crate) fn new(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let files: Vec<_> = files.into_iter().collect();
        let seen = files.iter().map(|file| stamp(file)).collect();
        Self { files, seen }
    }

    /// The first of the files.
    pub(crate) fn first(&self) -> Option<&Path> {
        self.files.first().map(PathBuf::as_path)
    }

    /// The first of the files, where one of them has changed, come or gone since this was last asked.
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

        // As `cp -p` and many tools for deployment do.
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
