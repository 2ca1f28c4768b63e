//! Why a request is refused.

use std::{borrow::Cow, fmt, time::Duration};

use super::Location;

/// The request was understood, but cannot be granted.
///
/// *Source*: as HTTP says it, RFC 9110 section 15 and RFC 9457.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// What kind of refusal.
    pub kind: RefusalKind,
    /// What is wrong and what to change, for people; without internal details.
    pub detail: Cow<'static, str>,
    /// The field at fault, for example `rcpt_to[0].m`, if it is a field.
    pub field: Option<Box<str>>,
}

/// The kinds of refusals, with their details.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The request is malformed, or not allowed here: 400.
    Malformed,
    /// The caller is unknown: 401.
    Unauthenticated,
    /// The caller is not permitted to do that: 403.
    Forbidden,
    /// There is no such sender, transaction or blob: 404.
    NotFound,
    /// A value that is written once was written before, differently: 409.
    Conflict,
    /// The resource is no longer kept: 410.
    Gone,
    /// The version in the request is not the current one: 412.
    VersionMismatch,
    /// It is larger than permitted: 413.
    TooLarge,
    /// The content has the wrong type: 415.
    WrongContentType,
    /// The octets do not begin where the blob ends: 416.
    WrongRange {
        /// The current length of the blob, in octets.
        len: u64,
        /// Its final length, where that is known.
        total: Option<u64>,
    },
    /// The idempotency key belongs to another request: 422.
    KeyReused,
    /// The request must name the version that it changes: 428.
    VersionMissing,
    /// The caller is over a limit: 429.
    TooMany {
        /// When to try again.
        retry_after: Duration,
    },
    /// There is no room for now, or the agent is stopping: 503.
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
    /// Another process is working on the transaction: 308.
    Elsewhere(Location),
    /// Something broke in this agent: 500.
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

    /// There is no room for now.
    pub(crate) fn no_room() -> Self {
        let retry_after = Duration::from_secs(5);
        let kind = RefusalKind::Unavailable { retry_after };
        Self::new(kind, "there is no room for it now; try again later")
    }

    /// What is kept can neither be read nor changed for now.
    pub(crate) fn storage_fails() -> Self {
        let retry_after = Duration::from_secs(5);
        let kind = RefusalKind::Unavailable { retry_after };
        Self::new(
            kind,
            "the agent's storage fails or does not answer; try again later",
        )
    }

    /// The caller is not an operator.
    pub fn not_for_all() -> Self {
        let detail = "the token is not for those who operate the agent: it needs `role: \
                      operate`, and no `sender`";
        Self::new(RefusalKind::Forbidden, detail)
    }

    /// Something broke in this agent.
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
