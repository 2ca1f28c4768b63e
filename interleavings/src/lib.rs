//! Koukan's primitives over locks that try out one order of threads after another.
//!
//! The sources are those of koukan-core and koukan-smtp, compiled once more: a lock that they take
//! from `crate::sync` is [shuttle](https://docs.rs/shuttle)'s here. So the product pays nothing, and
//! what is tried out is what runs. [`scenario`] holds what is tried, `tests/` tries it.
//!
//! What this covers and what it does not: `docs/testing.md`.

// They are written for their own crates, which use more of them, and are held to the lints there.
#![allow(dead_code, unreachable_pub, unused_imports, clippy::large_futures)]

pub mod scenario;

mod client;
mod message;
mod sync;
mod transaction;

#[path = "../../koukan-core/src/beginning.rs"]
mod beginning;
#[path = "../../koukan-core/src/blob/mod.rs"]
mod blob;
#[allow(
    unused_variables,
    clippy::redundant_clone,
    reason = "what is done with a composition is never reached"
)]
#[path = "../../koukan-core/src/body/mod.rs"]
mod body;
#[path = "../../koukan-core/src/event/mod.rs"]
mod event;
#[path = "../../koukan-core/src/failure.rs"]
mod failure;
#[path = "../../koukan-core/src/id.rs"]
mod id;
#[path = "../../koukan-core/src/pipe.rs"]
mod pipe;
#[path = "../../koukan-core/src/random/mod.rs"]
mod random;
#[path = "../../koukan-core/src/signals/mod.rs"]
mod signals;
#[path = "../../koukan-core/src/storage/mod.rs"]
mod storage;
#[path = "../../koukan-core/src/waking/mod.rs"]
mod waking;

use koukan_core::{causes, clock, context, lists, path, rate, repeats, reply, shares, supervision};

use self::id::InvalidId;

/// Where hosts and their ports are in koukan-core.
mod host_port {
    pub use koukan_core::signals::{HostPort, InvalidHostPort};
}
