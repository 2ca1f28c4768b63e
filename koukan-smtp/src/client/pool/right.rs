//! The right to use a connection.

use std::{future::Future, sync::Arc, time::Duration};

use koukan_core::{body::Holdings, signals::HostPort, stage::sharing::Demand};
use tokio::time::{Instant, sleep};

use crate::client::{ClientError, Wire};

use super::{
    Lease, Turn,
    idle::Idle,
    permits::{Permit, Permits},
    probe,
    queue::{Place, Queue},
    standing::Standings,
};

/// The longest wait of a message that holds one connection for another one: if it were longer,
/// messages would wait for each other.
const SECOND_WAIT: Duration = Duration::from_secs(1);

/// What a pool knows of a host.
pub(super) struct Entry {
    pub(super) host: Arc<HostPort>,
    pub(super) permits: Arc<Permits>,
    pub(super) queue: Arc<Queue>,
    pub(super) is_suspect: bool,
}

/// One of the host's permits, and for an attempt from the queue a place.
pub(super) type Right = (Permit, Option<Place>);

impl<Io: Wire> Idle<Io> {
    /// The right to use one connection to `host`.
    pub(super) async fn permit(
        idle: &Arc<Self>,
        host: &HostPort,
        demand: &Demand,
        turn: &Turn,
    ) -> Result<Lease<Io>, ClientError> {
        let holdings = turn.holdings();
        let entry = idle.entry(host);
        let right = match idle.try_take(&entry, turn) {
            Some(right) => right,
            None => {
                // A caller that waits for a host that is down is told so at once.
                let look = |standings: &mut Standings| standings.look(host, Instant::now());
                probe::up(idle.standings(look))?;
                let right = async {
                    tokio::select! {
                        biased;
                        right = idle.take_in_turn(&entry, demand, turn) => right,
                        never = idle.follow_replicas(host) => match never {},
                    }
                };
                Box::pin(wait(right, idle.settings.max_wait, holdings)).await?
            }
        };
        let held = holdings.hold();
        let Entry {
            host, is_suspect, ..
        } = entry;
        Ok(Lease::new(Arc::clone(idle), host, is_suspect, right, held))
    }

    fn try_take(&self, entry: &Entry, turn: &Turn) -> Option<Right> {
        let max = || self.queued_max(&entry.host);
        let place = match turn.is_queued() {
            true => Some(entry.queue.try_enter(max)?),
            false => None,
        };
        let permit = entry.permits.try_acquire(turn.client())?;
        Some((permit, place))
    }

    /// An attempt from the queue first gets its place, and then waits for the permit like others.
    async fn take_in_turn(&self, entry: &Entry, demand: &Demand, turn: &Turn) -> Right {
        let max = || self.queued_max(&entry.host);
        let place = match turn.is_queued() {
            true => Some(entry.queue.enter(max).await),
            false => None,
        };
        let (permits, client) = (&entry.permits, turn.client());
        if let Some(permit) = permits.try_acquire(client) {
            return (permit, place);
        }
        // Those who hold connections without using them cannot help a caller that waits for a place.
        let shares = Arc::clone(permits) as _;
        let _wanted = demand.want_share(&entry.host, turn.holdings(), client, shares);
        (permits.acquire(client).await, place)
    }
}

/// Waits for the right to use a connection, as long as that is allowed.
async fn wait(
    right: impl Future<Output = Right>,
    max_wait: Duration,
    holdings: &Holdings,
) -> Result<Right, ClientError> {
    let second = async {
        holdings.held().await;
        sleep(SECOND_WAIT).await;
    };
    tokio::select! {
        biased;
        right = right => Ok(right),
        () = sleep(max_wait) => Err(ClientError::Busy),
        () = second => Err(ClientError::Busy),
    }
}
