//! The locks and counters for state that threads share.
//!
//! They are those of the standard library. They are named here, in one place, so that the package
//! `interleavings` can compile the same sources with locks that try one order of threads after
//! another. Code that is tested there takes its locks from here.

pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
}
