//! Chains of those who have passed a message on: the Authenticated Received Chain, RFC 8617.
//!
//! Whoever passes a message on and changes it, as a mailing list does, breaks its signatures. It can say what it had found
//! out before that, in three fields that belong together (a *set*): its results (`ARC-Authentication-Results`), a
//! signature of the message as it leaves (`ARC-Message-Signature`), and a seal of all sets so far (`ARC-Seal`). A chain that
//! holds says who has said that; whether they are to be believed is another question.
//!
//! Nothing is held of a message but its header section.

mod keys;
mod set;
mod verification;

pub use self::verification::{ArcPassed, ArcResult, ArcVerified, ArcVerifying, SETS_MAX};
