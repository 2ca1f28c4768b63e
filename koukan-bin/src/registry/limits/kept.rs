//! A file with what is known of clients.

use std::{io, path::PathBuf};

use koukan_core::{files, filter::greylist::Greylist};

use crate::registry::kept_file::KeptFile;

/// What is known, and its file: written at intervals, and when this is dropped.
pub(super) struct Kept {
    list: Greylist,
    file: KeptFile,
}

impl Kept {
    /// Loads what the file holds into the list. The file need not exist yet.
    pub(super) fn read(list: Greylist, file: PathBuf) -> Result<Self, String> {
        let file = KeptFile::new(file)?;
        let shown = file.path().display();
        match files::read(file.path()) {
            Ok(octets) => list
                .restore(&octets)
                .map_err(|error| format!("{shown} holds something else: {error}"))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("cannot read {shown}: {error}")),
        }
        Ok(Self { list, file })
    }

    /// Writes what is known, if it has changed.
    pub(super) fn write(&self) {
        // The last write may begin while another one is running.
        if let Err(error) = self.file.write(|| self.list.snapshot()) {
            self.list.lost_snapshot();
            let file = self.file.path().display();
            tracing::warn!(%file, %error, "cannot write what is known of clients");
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.write();
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, sync::Arc};

    use koukan_core::{filter::greylist::Times, test_util::ManualClock};

    use super::*;

    fn list() -> Greylist {
        Greylist::new(Times::default(), Arc::new(ManualClock::default()))
    }

    #[test]
    fn what_is_known_is_kept_in_the_file_and_read_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("greylist");
        let kept = Kept::read(list(), file.clone()).unwrap();
        kept.write();
        assert!(!file.exists());
        assert!(!kept.list.passes("192.0.2.1".parse().unwrap(), "a@x", "b@y"));
        kept.write();
        let first = fs::read(&file).unwrap();
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!kept.list.passes("192.0.2.2".parse().unwrap(), "c@x", "b@y"));
        drop(kept);
        assert!(fs::read(&file).unwrap().len() > first.len());
        let again = list();
        drop(Kept::read(again.clone(), file.clone()).unwrap());
        assert_eq!(format!("{again:?}"), "Greylist(2 known)");

        fs::write(&file, "something else").unwrap();
        let wrong = Kept::read(list(), file).err().unwrap();
        assert!(wrong.contains("holds something else"), "{wrong}");
        let nowhere = folder.path().join("none/greylist");
        let wrong = Kept::read(list(), nowhere).err().unwrap();
        assert!(wrong.contains("no such folder"), "{wrong}");
        // What could not be written is not lost.
        let away = folder.path().join("away");
        fs::create_dir(&away).unwrap();
        let kept = Kept::read(list(), away.join("greylist")).unwrap();
        fs::remove_dir(&away).unwrap();
        assert!(!kept.list.passes("192.0.2.1".parse().unwrap(), "a@x", "b@y"));
        kept.write();
        fs::create_dir(&away).unwrap();
        kept.write();
        assert!(away.join("greylist").exists());
    }
}
