//! Whether somebody else has written the main file.
//!
//! With a log, nothing but a checkpoint writes the main file, and this process makes all of them. So
//! between two of them the file stays as it is. A restored copy, another database or a truncation
//! shows in its length and in its header, which has the number of pages, two counters of changes and
//! the version of the tables.
//!
//! Another program may use the database through SQLite, and make a checkpoint, too, which copies pages
//! from the log. So a header is no sign of damage if it is in the log, or if somebody has begun the log
//! anew meanwhile and the header is that of a database with a log.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    files::beside,
    held::{Held, begin},
    inspect::whole_len,
};

/// The length of a database's header. <https://www.sqlite.org/fileformat.html>, section 1.3.
const HEADER: usize = 100;
/// Where it says how the database is written and read, and what it says where there is a log.
const MODES: std::ops::Range<usize> = 18..20;
const WITH_LOG: [u8; 2] = [2, 2];
/// The lengths of the log's header, and of the header of each page in it; section 4.1.
const LOG_HEADER: usize = 32;
const FRAME_HEADER: u64 = 24;

/// The main file, and what this process last left in it.
#[derive(Debug)]
pub(super) struct MainFile {
    held: Arc<Held>,
    log: File,
    left: Mutex<Left>,
}

#[derive(Debug)]
struct Left {
    /// Changes whenever `look` does.
    turn: u64,
    /// `None` while this process writes the file.
    look: Option<Look>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    len: u64,
    header: [u8; HEADER],
    /// The header of the log, which changes when the log is begun anew.
    log: [u8; LOG_HEADER],
}

impl MainFile {
    /// Notes the file as it is. There must be a log, which may be empty.
    pub(super) fn note(path: &Path) -> io::Result<Self> {
        let held = Held::open(path)?;
        // SQLite has no locks on the log.
        let log = File::open(beside(path, "-wal"))?;
        let look = Some(Look::at(&held, &log)?);
        Ok(Self {
            held,
            log,
            left: Mutex::new(Left { turn: 0, look }),
        })
    }

    /// To be called before this process writes the file.
    pub(super) fn begin_to_write(&self) {
        self.left().set(None);
    }

    /// To be called after it has written the file. A file that cannot be read is not watched.
    pub(super) fn wrote(&self) {
        let look = self.look().ok();
        self.left().set(look);
    }

    /// What somebody else has done to the file; `None` if nothing, or if that cannot be said.
    ///
    /// Costs three system calls.
    pub(super) fn damage(&self) -> Option<&'static str> {
        let (turn, left) = {
            let left = self.left();
            (left.turn, left.look?)
        };
        let now = self.look().ok()?;
        let is_same = now.header == left.header;
        let is_fine = match is_same {
            // Who makes a database smaller writes the header first, and shortens the file at the end.
            true => now.len >= left.len || is_whole(&now),
            false => {
                let is_new_log = now.log != left.log && now.header[MODES] == WITH_LOG;
                is_new_log || self.is_in_log(&now.header).ok()?
            }
        };
        if is_fine {
            if now != left {
                self.left().replace(turn, now);
            }
            return None;
        }
        // Somebody may be writing it at this moment.
        let again = self.look().ok()?;
        let is_final = again == now && self.left().turn == turn;
        is_final.then_some(match is_same {
            true => "it was truncated while it was in use",
            false => "something else was written over it while it was in use",
        })
    }

    fn look(&self) -> io::Result<Look> {
        Look::at(&self.held, &self.log)
    }

    fn left(&self) -> MutexGuard<'_, Left> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the log has a first page that begins like this, of this or an earlier round.
    fn is_in_log(&self, header: &[u8; HEADER]) -> io::Result<bool> {
        let number = |at| {
            let mut octets = [0; 4];
            self.log.read_exact_at(&mut octets, at)?;
            Ok::<_, io::Error>(u32::from_be_bytes(octets))
        };
        let len = self.log.metadata()?.len();
        let mut at = LOG_HEADER as u64;
        if len < at {
            return Ok(false);
        }
        let frame = FRAME_HEADER + u64::from(number(8)?.max(512));
        while at + frame <= len {
            if number(at)? == 1 {
                let mut first = [0; HEADER];
                self.log.read_exact_at(&mut first, at + FRAME_HEADER)?;
                if first == *header {
                    return Ok(true);
                }
            }
            at += frame;
        }
        Ok(false)
    }
}

/// Whether the file is as long as its header says.
fn is_whole(look: &Look) -> bool {
    whole_len(&look.header).is_some_and(|whole| whole > 0 && look.len >= whole)
}

impl Left {
    fn set(&mut self, look: Option<Look>) {
        self.turn += 1;
        self.look = look;
    }

    /// Notes what others have changed, unless this process has written the file since that turn.
    fn replace(&mut self, turn: u64, look: Look) {
        if self.turn == turn {
            self.look = Some(look);
        }
    }
}

impl Look {
    fn at(held: &Held, log: &File) -> io::Result<Self> {
        let mut look = Self {
            len: held.len()?,
            header: [0; HEADER],
            log: [0; LOG_HEADER],
        };
        begin(held.file(), &mut look.header)?;
        begin(log, &mut look.log)?;
        Ok(look)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 4096;

    /// The first page of a database of this many pages.
    fn first_page(pages: u32) -> Vec<u8> {
        let mut page = vec![0; PAGE];
        page[..16].copy_from_slice(b"SQLite format 3\0");
        page[16..18].copy_from_slice(&4096_u16.to_be_bytes());
        page[MODES].copy_from_slice(&WITH_LOG);
        for at in [24, 92] {
            page[at..at + 4].copy_from_slice(&pages.to_be_bytes());
        }
        page[28..32].copy_from_slice(&pages.to_be_bytes());
        page
    }

    /// Another program has made the database smaller, and its checkpoint is looked at while it is under way.
    #[test]
    fn a_database_that_becomes_smaller_is_not_truncated() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("queue.sqlite");
        let mut database = first_page(10);
        database.resize(10 * PAGE, 0);
        std::fs::write(&path, &database).unwrap();
        let mut log = vec![0; LOG_HEADER];
        log[8..12].copy_from_slice(&4096_u32.to_be_bytes());
        let mut frame = vec![0; 24];
        frame[..4].copy_from_slice(&1_u32.to_be_bytes());
        log.extend([frame, first_page(6)].concat());
        std::fs::write(beside(&path, "-wal"), log).unwrap();
        let main = MainFile::note(&path).unwrap();
        assert_eq!(main.damage(), None);

        let file = File::options().write(true).open(&path).unwrap();
        file.write_all_at(&first_page(6), 0).unwrap();
        assert_eq!(main.damage(), None);
        file.set_len(6 * PAGE as u64).unwrap();
        assert_eq!(main.damage(), None);
        file.set_len(5 * PAGE as u64).unwrap();
        assert_eq!(main.damage(), Some("it was truncated while it was in use"));
    }
}
