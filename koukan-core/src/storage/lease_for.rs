//! Leases of due attempts at one destination.

use super::{BackendError, Lease, Storage, record::SchedulingKey};

impl Storage {
    /// Leases at most `limit` due attempts at this destination, except those that may have crashed the
    /// process.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub(crate) async fn lease_for(
        &self,
        destination: &SchedulingKey,
        limit: usize,
    ) -> Result<Vec<Lease>, BackendError> {
        let now = self.clock().now();
        let session = self.0.presence.leasing()?;
        let leased = self.backend().lease_for(session, now, destination, limit);
        let leased = leased.await?.into_iter();
        let leases = leased.filter_map(|one| self.give_out(one, session));
        Ok(self.read_together(leases.collect()))
    }
}
