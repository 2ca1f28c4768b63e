//! A [`Backend`](crate::storage::Backend) that is slow, full, or fails, determined by a seed:
//! [`FaultyBackend`].
//!
//! It stands in front of any other backend, and adds
//!
//! - *time*: the seed determines how long each call takes, half of it before and half of it after its
//!   effect, so that a crash may come between the two;
//! - *readers*: as SQLite has few connections for reading, only a limited number of calls read at the same
//!   time, and a call keeps its reader for its whole duration, whether it is polled or not;
//! - *trouble*: for a while, some calls fail, or succeed and report a failure, or no call is
//!   answered;
//! - *defects*: the behaviour of a wrong implementation, which a simulation has to notice.

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
