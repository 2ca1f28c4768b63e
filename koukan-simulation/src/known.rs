//! Faults of the agent that are known, and wait for other parts to be built anew.

/// A fault that simulations overlook, unless they are told to
/// [insist](super::Simulation::insisting_on).
///
/// Each has a test that expects simulations which insist to fail. Once the fault is mended the test
/// fails; then the fault goes from here, and from then on nothing is overlooked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Known {
    /// A lease that storage gave, and whose answer was lost, is kept until the next start.
    LeaseUnheard,
    /// Attempts that hang fill the room for queued ones, and others wait for them.
    Delay,
}
