//! What nothing is sent to: suspended destinations and suppressed addresses.

use super::{SuppressionChange, SuspensionChange};

/// A change of what nothing is sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BanChange {
    /// Of the suspended destinations.
    Suspension(SuspensionChange),
    /// Of the suppressed addresses.
    Suppression(SuppressionChange),
}
