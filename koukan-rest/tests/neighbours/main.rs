//! A gateway and a router, one of them of the previous version: its side was recorded (`before/README.md`).

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod asked;
mod player;
mod shape;
mod steps;
mod told;
