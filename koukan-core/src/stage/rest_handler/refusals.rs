//! The refusals that failures become.

use std::time::Duration;

use crate::{
    causes::Causes,
    repeats::Repeats,
    resource::{Refusal, RefusalKind},
    storage::{BackendError, CustodyError, record::FinalReason},
};

/// When to try again if other uploads must be finished first.
const RETRY_AFTER_UPLOADS: Duration = Duration::from_secs(60);

/// For how long failures are counted before they are logged.
const INTERVAL: Duration = Duration::from_secs(10);

static FAILED: Repeats = Repeats::new(INTERVAL, |requests, interval| {
    let seconds = interval.as_secs();
    tracing::error!(requests, seconds, "storage still failed");
});

/// The sender has too many transactions whose message is still to come.
pub(super) fn too_many_unfinished(max: usize) -> Refusal {
    let retry_after = RETRY_AFTER_UPLOADS;
    let detail = format!(
        "the sender has {max} transactions whose message is still to be uploaded: upload or cancel \
         some of them"
    );
    Refusal::new(RefusalKind::TooMany { retry_after }, detail)
}

/// There is no such transaction.
pub(in crate::stage) fn unknown_transaction() -> Refusal {
    Refusal::not_found("there is no such transaction; it may have been removed since it ended")
}

/// The transaction is over.
pub(super) fn over(reason: FinalReason) -> Refusal {
    let advice = match reason {
        // Another request would send the message again.
        FinalReason::Delivered | FinalReason::PartlyDelivered => {
            "read it to see what has become of each recipient"
        }
        _ => "create another one",
    };
    let detail = format!("the transaction is over ({}): {advice}", reason.as_str());
    Refusal::new(RefusalKind::Conflict, detail)
}

/// The transaction was given up while it was being committed.
fn given_up() -> Refusal {
    let detail = "the transaction is over (given up): create another one";
    Refusal::new(RefusalKind::Conflict, detail)
}

/// The idempotency key belongs to another request.
pub(super) fn key_reused() -> Refusal {
    let detail = "the key was used for another request: repeat that as it was, or take another key";
    Refusal::new(RefusalKind::KeyReused, detail).at("Idempotency-Key")
}

impl From<BackendError> for Refusal {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::NoSuchBlob => {
                Self::not_found("what was to be shared is not there any more: upload it again")
            }
            error => {
                if FAILED.is_first() {
                    tracing::error!(error = %Causes(&error), "storage failed");
                }
                match error {
                    BackendError::Full(_) => Self::no_room(),
                    _ => Self::storage_fails(),
                }
            }
        }
    }
}

impl From<CustodyError> for Refusal {
    fn from(error: CustodyError) -> Self {
        match error {
            CustodyError::Backend(error) => error.into(),
            CustodyError::Gone => given_up(),
            CustodyError::Incomplete => Self::malformed("the message is not complete"),
            CustodyError::Repeated(_) | CustodyError::KeyReused => key_reused(),
        }
    }
}
