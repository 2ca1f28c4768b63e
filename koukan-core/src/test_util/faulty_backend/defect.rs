//! What a wrong implementation would do.

/// A defect that is put in on purpose, to see that it is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Defect {
    /// A transaction is said to be written some time before it is.
    AcknowledgedBeforeCommit,
    /// A settlement that arrives once more is written, although another has the lease by then.
    FenceForgotten,
    /// What was read is kept back, with the reader, until the caller comes again.
    ReaderHeld,
    /// One transaction in a few is said to be written and is not.
    LegForgotten,
    /// A lease that is taken for one kind of work is given out for another.
    LeaseForOtherWork,
    /// What is leased together with something else is leased to others as well.
    CompanionsShared,
    /// A lease that was settled or given back is given back again.
    ReleasedTwice,
    /// Of the events that are read one in a few is left out.
    EventForgotten,
}
