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
    facts::{BansChanged, CLOCK_TOLERANCE, Census, LiveSession, QueueDepth, Recovered, Refreshed},
    queue::Queue,
    records::Records,
    sessions::Sessions,
    suppressions::SuppressionLists,
};

/// Durable storage of transactions and their blobs: a type with all five parts.
///
/// Every function is atomic, and its writes are durable when it returns `Ok`: they survive a crash of the
/// process and of the machine. Many tasks may call writing functions at the same time; an implementation
/// should commit concurrent calls together.
///
/// The parts share one medium: a transaction that [`Queue::insert`] writes refers to octets of [`Blobs`], and
/// [`Records`] reads what the queue wrote. A stage that needs fewer parts should require fewer.
///
/// The contract can be executed: `test_util::backend_contract` tests any implementation.
///
/// # Cancel safety
///
/// A write whose future is dropped is done completely or not at all.
pub trait Backend: Sessions + Queue + Blobs + Records + SuppressionLists {}

impl<T: Sessions + Queue + Blobs + Records + SuppressionLists> Backend for T {}
