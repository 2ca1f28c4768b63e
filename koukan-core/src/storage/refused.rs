//! Drafts whose recipients were all refused before their message was there.
//!
//! Nothing more is tried, and readers see that it is over. But its originator may be uploading all
//! the same, and other transactions may share the upload. So it stays a draft for some time. If its
//! message becomes complete, it ends as it would have with it, so that its sender is notified if
//! that was requested. Otherwise it is given up, as every draft is.

use std::{sync::Arc, time::Duration};

use crate::path::ReversePath;

use super::{
    AttemptEnd, BackendError, Storage,
    cancel::Unleased,
    conclude::{conclude, final_reason},
    lease::Lease,
    live::{Durability, Live, Side, State},
    patience::keep_trying,
    record::{Due, FinalReason, Recipient, Status, Terms, Work},
};

/// For how long uploads are still accepted and kept.
const KEPT: Duration = Duration::from_secs(3600);

impl Storage {
    /// Records that the attempt at a draft has ended and has refused all its recipients. Does nothing
    /// if the message has become complete meanwhile, or this is recorded already.
    pub(super) async fn refuse_draft(&self, live: &Arc<Live>) -> Result<(), BackendError> {
        let (mail, mut recipients, end, due) = {
            let state = live.lock();
            match (live.mail(), &state.end, &state.status) {
                (Some(mail), Some(end), Some(Status::Due(due))) if !state.is_refused => {
                    let recipients = state.recipients.clone();
                    (mail.clone(), recipients, end.clone(), *due)
                }
                _ => return Ok(()),
            }
        };
        let before = recipients.clone();
        settle(&mut recipients, &end);
        let until = self.clock().now().checked_add(KEPT);
        let at = until.map_or(due.at, |until| until.min(due.at));
        let status = Status::Due(Due { at, ..due });
        let write = || {
            let (mail, status) = (mail.clone(), status.clone());
            let (recipients, attempt) = (recipients.clone(), (*end.attempt).clone());
            async move {
                let mut row = self.draft_of(live, mail, status).await?;
                row.recipients = recipients;
                row.attempts = vec![attempt];
                self.backend().complete(row).await
            }
        };
        match keep_trying(live.id, "write down a refusal", write).await {
            // Its message has become complete, or it was given up.
            Err(BackendError::NotDraft) => return Ok(()),
            written => written?,
        }
        let is_news = live.update(Side::Reader, |state| {
            state.is_refused = true;
            // A commit that is under way may fail, and leave the draft.
            let is_draft = matches!(state.durability, Durability::Draft | Durability::Committing);
            if is_draft {
                state.recipients.clone_from(&recipients);
                state.status = Some(status.clone());
            }
            is_draft
        });
        if is_news {
            let reply = end.attempt.given_final_reply();
            self.report_settled(live, &before, &recipients, &status, reply);
            self.due_changed(live, &status);
        }
        Ok(())
    }

    /// Gives up a refused draft. Does nothing if its message is complete.
    pub(super) async fn give_up_refused(&self, live: &Arc<Live>) -> Result<(), BackendError> {
        let settled = self.settle_unleased(live, Unleased::Refused).await;
        settled.map(|_| ())
    }
}

impl State {
    /// The final reason, as readers are told.
    pub(super) fn final_reason(&self) -> Option<FinalReason> {
        match &self.status {
            Some(Status::Final(reason)) => Some(*reason),
            // All is over but the notification.
            Some(Status::Due(due)) if due.work == Work::Notify => {
                Some(final_reason(&self.recipients))
            }
            _ if self.is_refused => Some(FinalReason::Failed),
            _ => None,
        }
    }

    /// Finds out whether a draft that was read back was refused.
    pub(super) fn restore_refusal(&mut self) {
        if self.durability == Durability::Draft && is_settled(&self.recipients) {
            self.is_refused = true;
            self.end = self.last_attempt.take().map(|attempt| AttemptEnd {
                attempt: Box::new(Arc::unwrap_or_clone(attempt)),
                retry_at: None,
            });
        }
    }
}

impl Lease {
    /// Why a draft ends whose time is over: it was refused, or its message did not come.
    pub(crate) fn end_of_draft(&self) -> FinalReason {
        let recipients = &self.live.lock().recipients;
        if is_settled(recipients) {
            return final_reason(recipients);
        }
        FinalReason::DownstreamTimeout
    }
}

fn settle(recipients: &mut [Recipient], end: &AttemptEnd) {
    conclude(recipients, end, Terms::default(), &ReversePath::Null);
}

fn is_settled(recipients: &[Recipient]) -> bool {
    let mut settled = recipients
        .iter()
        .map(|recipient| recipient.settled.is_some());
    !recipients.is_empty() && settled.all(|is_settled| is_settled)
}
