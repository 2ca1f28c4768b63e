//! The locks that are tried out, in the place of the standard library's.

pub(crate) use shuttle::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) mod atomic {
    pub(crate) use shuttle::sync::atomic::{AtomicU32, AtomicU64, Ordering};
}
