//! Attempts at leased transactions.

use std::{
    future::{Future, poll_fn},
    sync::Arc,
    task::Poll,
};

use tokio::task::JoinSet;
use tower::{BoxError, Service};

use crate::{
    causes::Causes,
    signals::Gone,
    storage::{BackendError, Beside, Company, Halt, Lease, Limits, record::FinalReason},
    waking::Root,
};

use super::{
    Dispatcher,
    crowds::UnderWay,
    passage::{Due, With},
    room::Places,
    stopped::GivesBack,
};

impl<O> Dispatcher<O>
where
    O: Service<Lease, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
{
    /// Starts attempts at these leases, each of which has a place, together with what can be attempted
    /// with them. A lease that may not be attempted is given back.
    ///
    /// # Errors
    ///
    /// [`BackendError`] where companions could not be leased; the leases themselves are started.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, leases that were not started are given back.
    pub(super) async fn start(
        &self,
        attempts: &mut JoinSet<()>,
        (leases, beside): (Vec<Lease>, Beside),
        mut passage: impl FnMut(&Company) -> Due,
        places: &mut Places,
    ) -> Result<(), BackendError> {
        let mut going = Vec::with_capacity(leases.len());
        for company in Company::all(leases) {
            match passage(&company) {
                Due::Goes(with) => going.push((company, with)),
                Due::HeldBack => {
                    for lease in company.into_leases() {
                        self.give_back(attempts, lease, places.take());
                    }
                }
            }
        }
        let is_any = |is_told| {
            going
                .iter()
                .any(|(company, _)| company.is_told() == is_told)
        };
        let mut room = match is_any(false) {
            true => self.room.beside(),
            false => Places::none(),
        };
        let mut told = match is_any(true) {
            true => self.room.told(),
            false => Places::none(),
        };
        let left = |room: &Places, is_told| {
            let those = going.iter().map(|(company, _)| company);
            let those = those.filter(|company| company.is_told() == is_told);
            let others = those.map(|company| company.len() - 1);
            room.len().saturating_sub(others.sum())
        };
        let limits = Limits {
            attempts: left(&room, false),
            notifications: left(&told, true),
        };
        let mut companies: Vec<_> = going.iter_mut().map(|(company, _)| company).collect();
        let leased = self
            .storage
            .lease_companions(&mut companies, beside, limits)
            .await;
        for (company, with) in going {
            let room = match company.is_told() {
                true => &mut told,
                false => &mut room,
            };
            self.attempt_together(attempts, company, with, places, room);
        }
        leased
    }

    fn give_back(&self, attempts: &mut JoinSet<()>, lease: Lease, place: Places) {
        let under_way = self.crowds.enter(None, place);
        attempts.spawn(async move {
            GivesBack::new(lease, Lease::give_back).await;
            drop(under_way);
        });
    }

    /// Attempts at one message share a place until the last of them has ended.
    fn attempt_together(
        &self,
        attempts: &mut JoinSet<()>,
        company: Company,
        with: With,
        places: &mut Places,
        room: &mut Places,
    ) {
        let destination = company.first().scheduling_key();
        let under_way = Arc::new(self.crowds.enter(destination, places.take()));
        let with = with.is_any().then(|| Arc::new(with));
        let turn = with.as_ref().and_then(|with| with.turn());
        for (index, mut lease) in company.into_leases().enumerate() {
            lease.set_promise(turn.cloned());
            // Those that are told of together are one.
            let others = lease.told_together().count() - usize::from(index == 0);
            let beside = (others > 0).then(|| match room.len() {
                // Then they were leased for places of their own.
                0 => places.split(others),
                _ => room.split(others),
            });
            let attempt = self.attempt(lease, Arc::clone(&under_way));
            if beside.is_none() && with.is_none() {
                attempts.spawn(Root::new(attempt));
                continue;
            }
            let with = with.clone();
            attempts.spawn(Root::new(async move {
                attempt.await;
                drop((beside, with));
            }));
        }
    }

    pub(super) fn attempt(
        &self,
        lease: Lease,
        under_way: Arc<UnderWay>,
    ) -> impl Future<Output = ()> + Send + use<O> {
        let output = self.output.clone();
        async move {
            let id = lease.id();
            if let Err(error) = GivesBack::new(lease, |lease| call(output, lease)).await {
                tracing::error!(%id, error = %Causes(&*error), "an attempt could not be made");
            }
            drop(under_way);
        }
    }
}

/// Calls the output service when it is ready, unless the lease is to end before. Whatever delays the
/// service's readiness does not notice a cancel or a stop.
async fn call<O>(mut output: O, lease: Lease) -> Result<(), BoxError>
where
    O: Service<Lease, Error: Into<BoxError>>,
{
    let halt = poll_fn(|cx| match output.poll_ready(cx) {
        Poll::Ready(ready) => Poll::Ready(ready.map(|()| None)),
        Poll::Pending => lease.poll_halt(cx, Gone::No).map(|halt| Ok(Some(halt))),
    });
    match halt.await.map_err(Into::into)? {
        None => drop(output.call(lease).await.map_err(Into::into)?),
        Some(Halt::Cancelled) => lease.give_up(FinalReason::Cancelled).await?,
        Some(Halt::GiveBack | Halt::Stop) => lease.give_back().await,
    }
    Ok(())
}
