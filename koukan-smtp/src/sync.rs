//! The locks of what threads share.
//!
//! They are the standard library's. They are named here, in one place, so that the package
//! `interleavings` can compile the same sources with locks that try one order of threads after
//! another.

pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};
