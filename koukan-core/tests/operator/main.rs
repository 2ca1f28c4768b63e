//! The queue as an operator sees and changes it, with everything except sockets and disks.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod agent;
mod change;
mod destinations;
mod read;
