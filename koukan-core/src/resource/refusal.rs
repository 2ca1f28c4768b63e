//! Why a request is not granted.

use std::{borrow::Cow, fmt, time::Duration};

use super::Location;

/// A request that was understood and cannot be granted.
///
/// *Source*: as HTTP says it, RFC 9110 section 15 and RFC 9457.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// What kind of refusal.
    pub kind: RefusalKind,
    /// What is wrong and what to change, for people; nothing internal.
    pub detail: Cow<'static, str>,
    /// The field at fault, as in `rcpt_to[0].m`, where it is one.
    pub field: Option<Box<str>>,
}

/// The kinds of refusal, each with what goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The request is malformed, or not allowed here: 400.
    Malformed,
    /// Nobody knows who asks: 401.
    Unauthenticated,
    /// Whoever asks may not do that: 403.
    Forbidden,
    /// There is no such sender, transaction or blob: 404.
    NotFound,
    /// What is written once was written before, with another value: 409.
    Conflict,
    /// What was there is no longer kept: 410.
    Gone,
    /// The version asked for is not the current one: 412.
    VersionMismatch,
    /// It is larger than it may be: 413.
    TooLarge,
    /// The content is of another type than is wanted: 415.
    WrongContentType,
    /// The octets do not go on where the blob ends: 416.
    WrongRange {
        /// Octets that the blob has now.
        len: u64,
        /// Octets that it will have, where that is known.
        total: Option<u64>,
    },
    /// The idempotency key is that of another request: 422.
    KeyReused,
    /// The change must say which version it is of: 428.
    VersionMissing,
    /// Whoever asks is over a limit: 429.
    TooMany {
        /// When to try again.
        retry_after: Duration,
    },
    /// There is no room for it now, or the agent is stopping: 503.
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
    /// Another process works on the transaction: 308.
    Elsewhere(Location),
    /// Something broke here: 500.
    Internal,
}

impl Refusal {
    /// A refusal of that kind.
    pub fn new(kind: RefusalKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            field: None,
        }
    }

    /// The request is malformed, or not allowed here.
    pub fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(RefusalKind::Malformed, detail)
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(RefusalKind::NotFound, detail)
    }

    /// There is no room for it now.
    pub(crate) fn no_room() -> Self {
        let retry_after = Duration::from_secs(5);
        let kind = RefusalKind::Unavailable { retry_after };
        Self::new(kind, "there is no room for it now; try again later")
    }

    /// Whoever asks does not operate the agent.
    pub fn not_for_all() -> Self {
        let detail = "the token is not for those who operate the agent: it needs `role: \
                      operate`, and no `sender`";
        Self::new(RefusalKind::Forbidden, detail)
    }

    /// Something broke here.
    pub fn internal() -> Self {
        let detail = "something went wrong here; try again later";
        Self::new(RefusalKind::Internal, detail)
    }

    /// Names the field at fault.
    #[must_use]
    pub fn at(mut self, field: impl Into<Box<str>>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.detail),
            None => f.write_str(&self.detail),
        }
    }
}
