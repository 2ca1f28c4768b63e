//! The log that an earlier process left.
//!
//! After a crash SQLite takes over the log as far as its checksums are right, and overwrites the rest. It
//! does not say whether that was a commit that was never finished, or damage. Nothing is written behind a commit before
//! that is on the medium. So a commit behind the place where SQLite stops, with more behind it, is a sign of damage: it was
//! acknowledged. The last commit is none: after a loss of power any of its pages may be missing.
//! <https://www.sqlite.org/fileformat.html>, section 4.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    iter, mem,
    ops::RangeInclusive,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use tokio::task::spawn_blocking;

use crate::private::FILE;

use super::{OpenError, files::beside, open::directory};

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// Sizes of pages, and the usual one.
const PAGES: RangeInclusive<usize> = 512..=65_536;
const PAGE: usize = 4096;
/// The first number of a log; its lowest bit says that checksums are made of big-endian numbers.
const MAGIC: u32 = 0x377f_0682;

/// Keeps a copy of a damaged log, before SQLite overwrites it.
pub(super) async fn keep(database: &Path) -> Result<(), OpenError> {
    let commits = look(database).await?;
    if commits == 0 {
        return Ok(());
    }
    let (log, copy) = (beside(database, "-wal"), free_name(database));
    let to = copy.clone();
    let copied = spawn_blocking(move || copy_to(&log, &to)).await;
    let copied = copied.map_err(io::Error::other).and_then(|copied| copied);
    copied.map_err(|source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => OpenError::Full {
            path: database.into(),
            source: source.into(),
        },
        _ => OpenError::Io {
            path: copy.clone(),
            source,
        },
    })?;
    tracing::error!(
        commits,
        copy = %copy.display(),
        "THE LOG OF THE DATABASE IS DAMAGED: the agent goes on without its last commits, in which there may be mail; \
         a copy of it is kept"
    );
    Ok(())
}

/// A name for the copy; earlier ones stay.
fn free_name(database: &Path) -> PathBuf {
    let first = beside(database, "-wal.damaged");
    let others = (2..).map(|number: u32| beside(database, &format!("-wal.damaged{number}")));
    let mut names = iter::once(first).chain(others);
    let free = names.find(|name| fs::symlink_metadata(name).is_err());
    free.unwrap_or_else(|| beside(database, "-wal.damaged"))
}

/// Copies a file. The copy is on the medium then; after a failure there is none.
fn copy_to(from: &Path, to: &Path) -> io::Result<()> {
    let mut copy = File::options();
    let mut copy = copy.create_new(true).write(true).mode(FILE).open(to)?;
    let copied = File::open(from)
        .and_then(|mut log| io::copy(&mut log, &mut copy))
        .and_then(|_| copy.sync_all())
        .and_then(|()| File::open(directory(to))?.sync_all());
    if copied.is_err() {
        let _ = fs::remove_file(to);
    }
    copied
}

/// How many commits are lost in the log, at least; 0 where it is not damaged, or missing.
pub(super) async fn look(database: &Path) -> Result<u64, OpenError> {
    let path = beside(database, "-wal");
    let failed = |source| OpenError::Io {
        path: beside(database, "-wal"),
        source,
    };
    let found = spawn_blocking(move || lost(&path)).await;
    found
        .map_err(io::Error::other)
        .and_then(|found| found)
        .map_err(failed)
}

fn lost(log: &Path) -> io::Result<u64> {
    let mut log = match File::open(log) {
        Ok(log) => BufReader::with_capacity(1 << 18, log),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut header = [0; HEADER];
    if !fill(&mut log, &mut header)? {
        return Ok(0);
    }
    let number = |at| number(&header, at);
    let is_log = number(0) & !1 == MAGIC;
    let checksums = Checksums {
        are_big_endian: if is_log {
            number(0) & 1 == 1
        } else {
            cfg!(target_endian = "big")
        },
    };
    let mut sums = checksums.add((0, 0), &header[..24]);
    let mut is_whole = is_log && sums == (number(24), number(28));
    // Frames of another round have another salt.
    let mut salt = is_whole.then(|| (number(16), number(20)));
    let page = match number(8) as usize {
        page if page.is_power_of_two() && PAGES.contains(&page) => page,
        _ => PAGE,
    };
    let mut frame = vec![0; FRAME_HEADER + page];
    let mut salt_before = None;
    let (mut lost, mut doubtful) = (0, 0);
    while fill(&mut log, &mut frame)? {
        let number = |at| self::number(&frame, at);
        let (its_salt, said) = ((number(8), number(12)), (number(16), number(20)));
        // Each checksum begins with that of the frame before, whatever became of that frame.
        let goes_on = number(0) > 0 && checksums.frame(sums, &frame) == said;
        if goes_on && salt_before == Some(its_salt) {
            // If the beginning is damaged, so that it has none.
            salt.get_or_insert(its_salt);
        }
        let is_of_round = salt == Some(its_salt);
        let is_right = goes_on && is_of_round;
        is_whole &= is_right;
        if !is_whole {
            if is_right {
                lost += mem::take(&mut doubtful);
            }
            let is_commit = is_of_round && number(4) > 0;
            doubtful += u64::from(is_commit);
        }
        (sums, salt_before) = (said, Some(its_salt));
    }
    Ok(lost)
}

/// Fills `octets`; `false` where the file ends before that.
fn fill(file: &mut impl Read, octets: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(octets) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn number(octets: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]])
}

/// Makes checksums of numbers, as the log has them.
struct Checksums {
    are_big_endian: bool,
}

impl Checksums {
    /// That of a frame: of its header but the salt and the checksum, and of its page.
    fn frame(&self, sums: (u32, u32), frame: &[u8]) -> (u32, u32) {
        self.add(self.add(sums, &frame[..8]), &frame[FRAME_HEADER..])
    }

    fn add(&self, (mut one, mut other): (u32, u32), octets: &[u8]) -> (u32, u32) {
        let number = |four: &[u8]| {
            let four = [four[0], four[1], four[2], four[3]];
            match self.are_big_endian {
                true => u32::from_be_bytes(four),
                false => u32::from_le_bytes(four),
            }
        };
        for eight in octets.chunks_exact(8) {
            one = one.wrapping_add(number(&eight[..4])).wrapping_add(other);
            other = other.wrapping_add(number(&eight[4..])).wrapping_add(one);
        }
        (one, other)
    }
}
