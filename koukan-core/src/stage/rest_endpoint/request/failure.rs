//! Why a request failed, and what that means for the client.

use std::time::Duration;

use tower::BoxError;

use crate::{
    causes::Causes,
    repeats::Repeats,
    reply::Reply,
    resource::{BadAnswer, Refusal, RefusalKind},
};

/// The interval between log lines about requests that fail; between them requests are counted.
const INTERVAL: Duration = Duration::from_secs(10);

static REFUSED: Repeats = Repeats::new(INTERVAL, |requests, interval| {
    let seconds = interval.as_secs();
    tracing::error!(requests, seconds, "upstream still refuses transactions");
});

static FAILED: Repeats = Repeats::new(INTERVAL, |requests, interval| {
    let seconds = interval.as_secs();
    tracing::warn!(requests, seconds, "more requests to upstream failed");
});

/// A request failed.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum Failure {
    /// It was refused.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// The resource service failed: it is unknown whether the request was granted.
    #[error("resource service failed: {}", Causes(&**.0))]
    Broken(BoxError),
    /// The answer breaks the contract.
    #[error("{0}")]
    Bad(BadAnswer),
    /// The answer does not belong to that request.
    #[error("answered something other than what was asked")]
    Unexpected,
}

/// How far a transaction had come upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Step {
    /// It was being created.
    Create,
    /// It had been created.
    Later,
}

impl Failure {
    /// The failure of a resource service.
    pub(in super::super) fn of(error: BoxError) -> Self {
        match BadAnswer::of(&*error) {
            Some(bad) => Self::Bad(bad.clone()),
            None => Self::Broken(error),
        }
    }

    /// Whether the same request may be granted a moment later.
    pub(in super::super) fn is_passing(&self) -> bool {
        match self {
            Self::Broken(_) => true,
            Self::Refused(refusal) => matches!(
                refusal.kind,
                RefusalKind::Internal | RefusalKind::Unavailable { .. }
            ),
            Self::Bad(_) | Self::Unexpected => false,
        }
    }

    /// Whether upstream has another version of the transaction than the request said.
    pub(in super::super) fn is_version_mismatch(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.kind == RefusalKind::VersionMismatch)
    }

    /// The reply for the client. Whatever needs an operator is logged as an error.
    pub(in super::super) fn reply(&self, step: Step) -> Reply {
        let reply = self.meaning(step);
        if let Self::Bad(bad) = self {
            tracing::error!(
                method = %bad.method,
                url = %bad.url,
                status = bad.status,
                text = ?bad.excerpt,
                reason = bad.reason,
                "upstream's answer does not conform to this API"
            );
        } else if reply == Reply::misconfigured() {
            if REFUSED.is_first() {
                tracing::error!(error = %self, ?step, "upstream refuses transactions");
            }
        } else if FAILED.is_first() {
            tracing::warn!(error = %self, ?step, "a request to upstream failed");
        }
        reply
    }

    fn meaning(&self, step: Step) -> Reply {
        let refusal = match (self, step) {
            (Self::Refused(refusal), _) => refusal,
            (Self::Bad(_) | Self::Unexpected, _) => return Reply::bad_upstream_reply(),
            (Self::Broken(_), Step::Create) => return Reply::connection_failed(),
            (Self::Broken(_), Step::Later) => return Reply::connection_lost(),
        };
        match &refusal.kind {
            RefusalKind::TooLarge => Reply::message_too_big(),
            RefusalKind::TooMany { .. } | RefusalKind::Unavailable { .. } => Reply::overloaded(),
            RefusalKind::NotFound if step == Step::Later => Reply::connection_lost(),
            RefusalKind::NotFound
            | RefusalKind::Malformed
            | RefusalKind::Unauthenticated
            | RefusalKind::Forbidden
            | RefusalKind::WrongContentType
            | RefusalKind::VersionMissing => Reply::misconfigured(),
            // It is upstream's fault, not this agent's.
            RefusalKind::Internal => Reply::destination_failed(),
            _ => Reply::local_error(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(kind: RefusalKind) -> Failure {
        Failure::Refused(Refusal::new(kind, "no"))
    }

    #[test]
    fn every_refusal_has_a_reply() {
        let retry_after = Duration::from_secs(1);
        for (kind, create, later) in [
            (
                RefusalKind::Malformed,
                Reply::misconfigured(),
                Reply::misconfigured(),
            ),
            (
                RefusalKind::NotFound,
                Reply::misconfigured(),
                Reply::connection_lost(),
            ),
            (
                RefusalKind::Unavailable { retry_after },
                Reply::overloaded(),
                Reply::overloaded(),
            ),
            (
                RefusalKind::TooMany { retry_after },
                Reply::overloaded(),
                Reply::overloaded(),
            ),
            (
                RefusalKind::TooLarge,
                Reply::message_too_big(),
                Reply::message_too_big(),
            ),
            (
                RefusalKind::Internal,
                Reply::destination_failed(),
                Reply::destination_failed(),
            ),
            (
                RefusalKind::Conflict,
                Reply::local_error(),
                Reply::local_error(),
            ),
        ] {
            let failure = refused(kind);
            assert_eq!(failure.reply(Step::Create), create, "{failure}");
            assert_eq!(failure.reply(Step::Later), later, "{failure}");
        }
    }

    #[test]
    fn only_what_passes_is_repeated() {
        assert!(refused(RefusalKind::Internal).is_passing());
        assert!(Failure::Broken("reset".into()).is_passing());
        assert!(!refused(RefusalKind::Malformed).is_passing());
        assert!(!Failure::Unexpected.is_passing());
        let bad = BadAnswer::new("GET", "http://a/", 200, "no JSON", b"hello");
        let bad = Failure::of(Box::new(bad));
        assert!(!bad.is_passing());
        assert_eq!(bad.reply(Step::Later), Reply::bad_upstream_reply());
    }
}
