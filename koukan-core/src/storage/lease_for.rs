//! Leases of what is due for one destination.

use super::{BackendError, Lease, Storage, record::SchedulingKey};

impl Storage {
    /// Takes at most `limit` attempts for that destination under lease that are due, but for those that may
    /// have crashed the process.
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
        let leased = self
            .backend()
            .lease_for(self.session(), now, destination, limit);
        let leases = leased
            .await?
            .into_iter()
            .filter_map(|one| self.give_out(one));
        Ok(self.read_together(leases.collect()))
    }
}
