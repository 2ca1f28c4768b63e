//! Notifications of failure to the reverse-path.

use crate::{
    context::Sender,
    storage::{BackendError, Lease, record::NewTransaction},
};

/// How failures are told to the reverse-path.
#[derive(Debug, Clone)]
pub struct Notifications {
    /// The name by which this agent reports (RFC 3464 section 2.2.2).
    pub reporting_mta: Box<str>,
    /// On whose behalf notifications are sent: selects their chain.
    pub sender: Sender,
}

impl Notifications {
    /// The notification for a transaction whose recipients are settled, if one is to be sent.
    pub(super) async fn make(
        &self,
        _lease: &Lease,
    ) -> Result<Option<NewTransaction>, BackendError> {
        Ok(None)
    }
}
