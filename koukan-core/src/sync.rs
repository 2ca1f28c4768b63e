//! The locks and counters of what threads share.
//!
//! They are the standard library's. They are named here, in one place, so that the package
//! `interleavings` can compile the same sources with locks that try one order of threads after
//! another. What is to be tried out there takes its locks from here.

pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
}
