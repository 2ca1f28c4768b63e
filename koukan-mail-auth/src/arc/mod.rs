//! Chains of the agents that passed a message on: the Authenticated Received Chain, RFC 8617.
//!
//! An agent that changes a message as it passes it on, for example a mailing list, breaks the message's signatures. It
//! can record what it found before the change in three fields that belong together (a *set*): its results
//! (`ARC-Authentication-Results`), a signature of the message as it leaves (`ARC-Message-Signature`), and a seal over
//! all sets so far (`ARC-Seal`). A valid chain proves who recorded these results. Whether to trust those agents is
//! another question.
//!
//! Only the header section of a message is held in memory.

mod keys;
mod set;
mod verification;

pub use self::verification::{ArcPassed, ArcResult, ArcVerified, ArcVerifying, SETS_MAX};
