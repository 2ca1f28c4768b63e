//! Destinations with rate limits.

use tokio::task::JoinSet;
use tower::{BoxError, Service};

use crate::{
    rate::Rate,
    storage::{BackendError, Beside, Company, Lease, Look, record::SchedulingKey},
};

use super::{Dispatcher, crowds::Share, passage::Due, room::Places};

impl<O> Dispatcher<O>
where
    O: Service<Lease, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
{
    /// Starts due attempts for such destinations, as many as there are turns. Returns whether there
    /// were any.
    pub(super) async fn dispatch_rated(
        &self,
        look: &Look,
        share: &Share,
        places: &mut Places,
        attempts: &mut JoinSet<()>,
    ) -> Result<bool, BackendError> {
        let mut is_any = false;
        for (destination, rate) in &look.rated {
            if share.full.contains(destination) || look.held.contains(destination) {
                continue;
            }
            let wanted = rate.turns().min(places.len());
            if wanted == 0 {
                continue;
            }
            let leases = self.storage.lease_for(destination, wanted).await?;
            let destinations = self.storage.destinations();
            destinations.leased_in_turn(destination, leases.len(), wanted);
            is_any |= !leases.is_empty();
            // Only now, so that turns are not taken in vain while storage is asked.
            let mut turns = rate.promise(leases.len());
            let passage = |company: &Company| match turns.pop() {
                Some(turn) => self.passage(company).in_turn(turn),
                None => Due::HeldBack,
            };
            self.start(attempts, (leases, Beside::Due), passage, places)
                .await?;
        }
        Ok(is_any)
    }
}

/// The rates without a free turn, with their destinations.
pub(super) fn without_turns(look: &Look) -> impl Iterator<Item = &(SchedulingKey, Rate)> {
    look.rated.iter().filter(|(_, rate)| !rate.is_open())
}
