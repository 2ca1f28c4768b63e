//! The durable tier: the [`Backend`] trait, and the five parts it consists of.

mod blobs;
mod error;
mod facts;
mod queue;
mod records;
mod sessions;
mod suppressions;

pub use self::{
    blobs::Blobs,
    error::BackendError,
    facts::{CLOCK_TOLERANCE, Census, LiveSession, QueueDepth, Recovered, Refreshed},
    queue::Queue,
    records::Records,
    sessions::Sessions,
    suppressions::SuppressionLists,
};

/// Durable storage of transactions and the blobs they refer to: whatever has all five parts.
///
/// Every function is atomic, and what it wrote is durable when it returns `Ok`: it survives a
/// crash of the process and of the machine. Functions that write may be called by many tasks at
/// the same time; an implementation is expected to commit what arrives together in one commit.
///
/// The parts share one medium: a transaction that [`Queue::insert`] writes refers to octets of [`Blobs`], and
/// what [`Records`] tell of is what the queue wrote. A stage that needs less asks for less.
///
/// The contract is executable: `test_util::backend_contract` runs it against any implementation.
///
/// # Cancel safety
///
/// A write whose future is dropped is either done or not done, as a whole.
pub trait Backend: Sessions + Queue + Blobs + Records + SuppressionLists {}

impl<T: Sessions + Queue + Blobs + Records + SuppressionLists> Backend for T {}
