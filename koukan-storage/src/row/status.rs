//! The status of a transaction, in columns.

use koukan_core::storage::record::{Due, FinalReason, Status, Work};

use crate::query::Values;

use super::{
    malformed::Malformed,
    time::{from_micros, micros},
};

/// The work of a draft.
pub(crate) const ABANDON: &str = "abandon";

/// The columns `due_at`, `work` and `final_reason`.
pub(super) struct StatusRow {
    pub(super) due_at: Option<i64>,
    pub(super) work: Option<&'static str>,
    pub(super) final_reason: Option<&'static str>,
}

impl StatusRow {
    pub(super) fn bind(&self, values: &mut Values) {
        values
            .add(self.due_at)
            .add(self.work)
            .add(self.final_reason);
    }
}

impl From<&Status> for StatusRow {
    fn from(status: &Status) -> Self {
        match status {
            Status::Due(due) => Self {
                due_at: Some(micros(due.at)),
                work: Some(work_as_str(due.work)),
                final_reason: None,
            },
            Status::Final(reason) => Self {
                due_at: None,
                work: None,
                final_reason: Some(reason.as_str()),
            },
        }
    }
}

/// The text in the column `work`.
pub(crate) fn work_as_str(work: Work) -> &'static str {
    match work {
        Work::Attempt => "attempt",
        Work::Notify => "notify",
        Work::Abandon => ABANDON,
    }
}

/// The work that the column names; `None` where it is unknown.
pub(crate) fn work_of(text: &str) -> Option<Work> {
    let all = [Work::Attempt, Work::Notify, Work::Abandon];
    all.into_iter().find(|work| work_as_str(*work) == text)
}

/// The final reason with this text; `None` where it is unknown.
pub(super) fn reason_of(text: &str) -> Option<FinalReason> {
    let known = [
        FinalReason::Delivered,
        FinalReason::PartlyDelivered,
        FinalReason::Failed,
        FinalReason::Expired,
        FinalReason::Cancelled,
        FinalReason::DownstreamTimeout,
    ];
    known.into_iter().find(|reason| reason.as_str() == text)
}

/// Reads a status from its columns.
pub(super) fn status(
    due_at: Option<i64>,
    work: Option<&str>,
    final_reason: Option<&str>,
) -> Result<Status, Malformed> {
    if let Some(text) = final_reason {
        let unknown = || Malformed::new("final_reason", format!("unknown reason {text:?}"));
        return reason_of(text).map(Status::Final).ok_or_else(unknown);
    }
    let at = due_at.ok_or_else(|| Malformed::new("due_at", "neither due nor final"))?;
    let unknown = || Malformed::new("work", format!("unknown work {work:?}"));
    let work = work.and_then(work_of).ok_or_else(unknown)?;
    Ok(Status::Due(Due {
        at: from_micros(at),
        work,
    }))
}
