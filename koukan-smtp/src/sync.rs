//! The locks for data that threads share.
//!
//! They are the standard library's. They are named in this one place so that the package
//! `interleavings` can compile the same sources with locks that try different orders of threads.

pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};
