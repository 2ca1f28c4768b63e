//! A [`Backend`](crate::storage::Backend) that is slow, full, or fails, as a seed says: [`FaultyBackend`].
//!
//! It stands before any other backend, and adds
//!
//! - *time*: each call takes as long as the seed says, half of it before and half of it after what
//!   it does, so that a crash may come between the two;
//! - *readers*: as SQLite has few connections for reading, only so many calls read at a time, and a
//!   call keeps its reader for as long as it takes, whether it is polled or not;
//! - *trouble*: for a while, some calls fail, or do what they are asked and then say that they
//!   failed, or nothing is heard of any of them;
//! - *defects*: what a wrong implementation would do. A simulation has to notice.

mod backend;
mod calls;
mod defect;
mod faults;
mod held_time;
mod sessions;
mod suppressions;
mod wrong;

pub use self::{
    backend::{FaultyBackend, OnDelivered},
    defect::Defect,
    faults::{Faults, Trouble, TroubleKind},
};

use std::fmt;

impl fmt::Debug for FaultyBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyBackend")
            .field("inner", &self.inner)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
