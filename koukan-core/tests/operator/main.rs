//! The queue as whoever operates the agent sees and changes it, with everything behind it but sockets and
//! disks.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod agent;
mod change;
mod destinations;
mod read;
