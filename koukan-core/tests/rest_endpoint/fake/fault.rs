//! Faults of the fake resource.

use koukan_core::resource::RefusalKind;

/// Kinds of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Create,
    Append,
    Upload,
    Read,
    Parsed,
    Cancel,
}

/// What happens to a request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// It is refused.
    Refuse(RefusalKind),
    /// It is lost.
    Lose,
    /// It is granted, and the answer is lost.
    LoseAnswer,
    /// It is never answered; a create is granted after an hour.
    Hang,
    /// It breaks off after that many chunks.
    BreakAfter(usize),
}
