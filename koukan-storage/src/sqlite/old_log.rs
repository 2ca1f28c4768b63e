//! The log that an earlier process left.
//!
//! After a crash SQLite takes over the log as far as its checksums are right, and overwrites the rest. It
//! does not say whether that was a commit that was never finished, or damage. Commits after the place where
//! it stops are a sign of damage: they were acknowledged once the commits before them were on the disk.
//! <https://www.sqlite.org/fileformat.html>, section 4.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    ops::RangeInclusive,
    path::Path,
};

use tokio::task::spawn_blocking;

use super::{OpenError, files::beside};

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// Sizes of pages, and the usual one.
const PAGES: RangeInclusive<usize> = 512..=65_536;
const PAGE: usize = 4096;
/// The first number of a log; its lowest bit says that checksums are made of big-endian numbers.
const MAGIC: u32 = 0x377f_0682;

/// Keeps a copy of a damaged log, before SQLite overwrites it.
pub(super) async fn keep(database: &Path) -> Result<(), OpenError> {
    let lost = look(database).await?;
    if lost == 0 {
        return Ok(());
    }
    let (log, copy) = (beside(database, "-wal"), beside(database, "-wal.damaged"));
    let failed = |source| OpenError::Io {
        path: copy.clone(),
        source,
    };
    let to = copy.clone();
    let copied = spawn_blocking(move || fs::copy(log, to)).await;
    copied
        .map_err(io::Error::other)
        .and_then(|copied| copied)
        .map_err(failed)?;
    tracing::error!(
        commits = lost,
        copy = %copy.display(),
        "THE LOG OF THE DATABASE IS DAMAGED: the agent goes on without its last commits, in which there may be mail; \
         a copy of it is kept"
    );
    Ok(())
}

/// How many commits are in the log after the place where it is damaged; 0 where it is not, or is missing.
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
    let mut lost = 0;
    while fill(&mut log, &mut frame)? {
        let number = |at| self::number(&frame, at);
        let said = (number(16), number(20));
        let its_salt = (number(8), number(12));
        let is_of_round = *salt.get_or_insert(its_salt) == its_salt;
        // Each checksum begins with that of the frame before, whatever became of that frame.
        let is_right = is_of_round && checksums.frame(sums, &frame) == said;
        is_whole &= is_right;
        sums = said;
        let is_commit = number(4) > 0;
        if is_right && is_commit && !is_whole {
            lost += 1;
        }
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
