//! A gateway and a router, of which one is of the version before: what that one said was recorded (`before/README.md`).

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod asked;
mod player;
mod shape;
mod steps;
mod told;
