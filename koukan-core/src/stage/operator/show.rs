//! One transaction, and its message.

use crate::{
    body::{Body, BodyError},
    causes::Causes,
    resource::{QueueResponse, QueuedDetails, Refusal},
    stage::rest_handler::unknown_transaction,
    storage::{BackendError, Watch, record::TransactionId},
};

use super::{Operator, list::queued};

impl Operator {
    pub(super) async fn show(&self, id: &str) -> Result<QueueResponse, Refusal> {
        let (id, mut watch) = self.find(id).await?;
        self.storage.catch_up().await?;
        let attempts = self.storage.backend().attempts(id).await?;
        let snapshot = watch.snapshot();
        let count = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
        // An attempt under way is counted, but not recorded yet.
        let written = match snapshot.is_active {
            true => count,
            false => snapshot.attempt_count.max(count),
        };
        Ok(QueueResponse::Shown(Box::new(QueuedDetails {
            queued: queued(&self.storage, &snapshot),
            attempts,
            first_attempt: written - count + 1,
        })))
    }

    pub(super) async fn message(&self, id: &str) -> Result<QueueResponse, Refusal> {
        let (_, watch) = self.find(id).await?;
        let body = watch.body().await?.ok_or_else(|| {
            Refusal::not_found("there is no message: it is not whole yet, or no longer kept")
        })?;
        let mut body = Body::from(body);
        // A failure to read or render the message shows before anything is sent.
        match body.next().await {
            Ok(Some(octets)) => body.prepend(octets),
            Ok(None) => {}
            Err(error) => return Err(unreadable(error)),
        }
        Ok(QueueResponse::Message(body))
    }

    pub(super) async fn find(&self, id: &str) -> Result<(TransactionId, Watch), Refusal> {
        let id = id.parse().map_err(|_| unknown_transaction())?;
        let watch = self.storage.watch(id).await?;
        Ok((id, watch.ok_or_else(unknown_transaction)?))
    }
}

/// The message is not well-formed, or cannot be read for now.
fn unreadable(error: BodyError) -> Refusal {
    match error {
        BodyError::Failed(error) => BackendError::Failed(error).into(),
        error @ (BodyError::Aborted(_) | BodyError::Rejected(_)) => {
            Refusal::not_found(format!("the message cannot be read: {}", Causes(&error)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        failure::Aborted,
        reply::{Rejection, Reply},
        resource::RefusalKind,
    };

    #[test]
    fn what_storage_cannot_read_now_may_be_asked_for_again() {
        let retry_after = Duration::from_secs(5);
        for (error, kind) in [
            (BodyError::from(Aborted), RefusalKind::NotFound),
            (
                Rejection::new(Reply::bad_content()).into(),
                RefusalKind::NotFound,
            ),
            (
                BodyError::Failed("the disk is gone".into()),
                RefusalKind::Unavailable { retry_after },
            ),
        ] {
            assert_eq!(unreadable(error).kind, kind);
        }
    }
}
