//! Known faults of the agent that are not fixed yet.

/// A known fault that simulations ignore, unless told to [insist](super::Simulation::insisting_on).
///
/// Each fault has a test which expects that insisting simulations fail. Once the fault is fixed,
/// that test fails; then the fault is removed from here, and simulations no longer ignore it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Known {
    /// A lease whose answer from storage was lost is kept until the next start.
    LeaseUnheard,
    /// Hanging attempts fill the room for queued attempts, so other mail waits.
    Delay,
}
