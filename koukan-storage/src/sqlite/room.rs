//! The space on the medium, and the reserve for mail that is queued already.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use koukan_core::{causes::Causes, storage::BackendError};
use tokio::time::Instant;

use crate::FreeSpace;

use super::{ballast::Ballast, options::PAGE};

/// How long a measurement of the space is valid while something is written.
const INTERVAL: Duration = Duration::from_secs(1);
/// After a write of this fraction of the reserve, the space is measured again.
const PARTS: usize = 16;
/// How long the medium counts as full after it reported so, even if it seems to have space: an
/// exceeded quota looks like this.
const FULL: Duration = Duration::from_secs(5);

/// There is no space for new mail besides the reserve.
#[derive(Debug, thiserror::Error)]
#[error("less than the reserve of {reserve} octets is free: new mail is refused")]
struct Short {
    reserve: u64,
}

/// Whether there is space for new mail, kept in memory.
pub(super) struct Room {
    path: PathBuf,
    reserve: u64,
    free_space: Arc<dyn FreeSpace>,
    max_pages: Option<u64>,
    is_short: AtomicBool,
}

/// When to measure the space again.
#[derive(Debug)]
pub(super) struct Looks {
    /// The approximate number of octets written since the last measurement.
    written: usize,
    last: Instant,
    /// Since when the medium has reported that it is full.
    full: Option<Instant>,
}

/// The number of pages of the database.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pages {
    /// Free pages.
    pub(super) free: u64,
    pub(super) all: u64,
}

impl Room {
    pub(super) fn new(
        path: &Path,
        reserve: u64,
        free_space: Arc<dyn FreeSpace>,
        max_pages: Option<u64>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            reserve,
            free_space,
            max_pages,
            is_short: AtomicBool::new(false),
        }
    }

    /// The database.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is a reserve.
    pub(super) fn is_kept(&self) -> bool {
        self.reserve > 0
    }

    pub(super) fn has_room(&self) -> bool {
        !self.is_short.load(Ordering::Relaxed)
    }

    /// Whether new mail may be written.
    pub(super) fn check(&self) -> Result<(), BackendError> {
        if self.has_room() {
            return Ok(());
        }
        let reserve = self.reserve;
        Err(BackendError::Full(Short { reserve }.into()))
    }

    /// The file that reserves space on the medium; `None` where the database itself is limited.
    pub(super) fn ballast(&self) -> Option<Ballast> {
        let is_of_use = self.is_kept() && self.max_pages.is_none();
        is_of_use.then(|| Ballast::new(&self.path, self.reserve / 4))
    }

    /// Measures the free space. Returns whether there is space for the reserve file, too.
    pub(super) fn look(&self, pages: Pages, is_full: bool) -> bool {
        let octets = |pages: u64| pages.saturating_mul(u64::from(PAGE));
        let free = self.free_space.free(&self.path).unwrap_or_else(|error| {
            tracing::warn!(error = %Causes(&error), "could not measure the free space");
            u64::MAX
        });
        let growth = self
            .max_pages
            .map(|max| octets(max.saturating_sub(pages.all)));
        let free = growth.map_or(free, |growth| free.min(growth));
        // Free pages of the database need no space of the file system.
        let free = free.saturating_add(octets(pages.free));
        let is_short = is_full || free < self.reserve;
        let was_short = self.is_short.swap(is_short, Ordering::Relaxed);
        let reserve = self.reserve;
        match (was_short, is_short) {
            (false, true) => tracing::error!(
                free,
                reserve,
                is_full,
                "THE DISK IS NEARLY FULL: new mail is refused, what is queued is delivered"
            ),
            (true, false) => tracing::warn!(free, "there is room again: new mail is taken"),
            _ => {}
        }
        !is_full && free / 2 >= self.reserve
    }
}

impl Looks {
    pub(super) fn new() -> Self {
        Self {
            written: 0,
            last: Instant::now(),
            full: None,
        }
    }

    /// Notes that octets were written.
    pub(super) fn wrote(&mut self, octets: usize) {
        self.written = self.written.saturating_add(octets);
    }

    /// Notes that the medium has reported that it is full.
    pub(super) fn full(&mut self) {
        self.full = Some(Instant::now());
    }

    /// Whether a measurement is due, for a reserve of `reserve` octets.
    pub(super) fn is_due(&self, room: &Room) -> bool {
        let many = usize::try_from(room.reserve).unwrap_or(usize::MAX) / PARTS;
        self.written > many || self.last.elapsed() >= INTERVAL
    }

    /// Begins a measurement. Returns whether the medium counts as full whatever is measured.
    pub(super) fn begin(&mut self) -> bool {
        self.written = 0;
        self.last = Instant::now();
        self.full = self.full.filter(|since| since.elapsed() < FULL);
        self.full.is_some()
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room")
            .field("reserve", &self.reserve)
            .field("is_short", &self.is_short)
            .finish_non_exhaustive()
    }
}
