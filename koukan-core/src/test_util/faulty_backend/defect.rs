//! Defects of a wrong implementation.

/// A deliberate defect, to check that it is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Defect {
    /// A transaction is acknowledged some time before it is written.
    AcknowledgedBeforeCommit,
    /// A settlement that arrives again is written although another session has the lease by then.
    FenceForgotten,
    /// After a read, the reader is kept until the caller comes again.
    ReaderHeld,
    /// A few transactions are acknowledged and never written.
    LegForgotten,
    /// A lease that was taken for one kind of work is given out for another.
    LeaseForOtherWork,
    /// A companion leased together with another transaction is leased to others as well.
    CompanionsShared,
    /// A lease that was settled or released is released again.
    ReleasedTwice,
    /// A few of the events are left out when they are read.
    EventForgotten,
}
