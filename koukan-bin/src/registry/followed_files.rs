//! Files that were read, and are to be read anew.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use crate::stamps::Stamps;

/// Files that were read, and what is done when one of them changes. Clones share the list.
#[derive(Clone, Default)]
pub(crate) struct FollowedFiles(Arc<Mutex<Vec<Followed>>>);

struct Followed {
    stamps: Stamps,
    changed: Box<dyn FnMut(&Path) + Send>,
}

impl FollowedFiles {
    /// Has `changed` called once files are not as they were when `stamps` were taken: before they were
    /// read.
    pub(crate) fn follow(&self, stamps: Stamps, changed: impl FnMut(&Path) + Send + 'static) {
        let changed = Box::new(changed);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Followed { stamps, changed });
    }

    /// Looks at all files.
    pub(crate) fn look(&self) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for followed in all.iter_mut() {
            if let Some(file) = followed.stamps.changed() {
                (followed.changed)(file);
            }
        }
    }
}

impl fmt::Debug for FollowedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FollowedFiles")
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::mpsc};

    use super::*;

    #[test]
    fn who_has_read_a_file_hears_of_its_change_once() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
        let (tell, told) = mpsc::sync_channel(9);
        let files = FollowedFiles::default();
        for file in [&one, &other] {
            fs::write(file, "a").unwrap();
            let tell = tell.clone();
            let stamps = Stamps::new([file.clone()]);
            files.follow(stamps, move |file| tell.send(file.to_owned()).unwrap());
        }
        files.look();
        fs::write(&other, "bb").unwrap();
        files.look();
        files.look();
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [other]);
    }
}
