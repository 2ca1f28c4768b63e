//! The connections that there may be to a host, shared between the clients whose messages go there.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use foldhash::quality::RandomState;
use koukan_core::{shares::Client, stage::sharing::FairShares};
use tokio::sync::oneshot;

use crate::sync::{Mutex, MutexGuard, PoisonError};

/// Permits, one for each connection. Waiters are served in turn, but a client with fewer permits
/// comes before one with more: so nobody waits behind all messages of another client.
#[derive(Debug)]
pub(super) struct Permits(Mutex<State>);

#[derive(Debug)]
struct State {
    /// All permits, including those that are held.
    total: usize,
    available: usize,
    /// How many of the held permits will not come back.
    withdrawn: usize,
    /// Only clients that hold permits or wait for one.
    clients: HashMap<Client, Own, RandomState>,
    /// How many wait, of all clients.
    waiting: usize,
    /// The number of the next waiter.
    next: u64,
}

/// The permits and waiters of one client.
#[derive(Debug, Default)]
struct Own {
    held: usize,
    waiting: VecDeque<(u64, oneshot::Sender<Permit>)>,
}

/// The right to have a connection, until this is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    permits: Arc<Permits>,
    client: Client,
    is_forgotten: bool,
}

/// Waits for a permit. If it is dropped, the next in turn gets what it was given.
struct Waiting {
    permits: Arc<Permits>,
    client: Client,
    /// Until this is dropped.
    given: Option<oneshot::Receiver<Permit>>,
}

impl Permits {
    pub(super) fn new(total: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            total,
            available: total,
            withdrawn: 0,
            clients: HashMap::default(),
            waiting: 0,
            next: 0,
        })))
    }

    /// A permit for a message of that client, if one is available at once.
    pub(super) fn try_acquire(self: &Arc<Self>, client: &Client) -> Option<Permit> {
        let is_taken = self.lock().take_free(client);
        is_taken.then(|| self.permit(client))
    }

    /// Waits for a permit for a message of that client.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it ends, no permit is lost.
    pub(super) async fn acquire(self: &Arc<Self>, client: &Client) -> Permit {
        loop {
            let mut waiting = {
                let mut state = self.lock();
                if state.take_free(client) {
                    drop(state);
                    return self.permit(client);
                }
                state.waiting += 1;
                let (giver, given) = oneshot::channel();
                let number = state.next;
                state.next += 1;
                let own = state.clients.entry(client.clone()).or_default();
                own.waiting.push_back((number, giver));
                Waiting {
                    permits: Arc::clone(self),
                    client: client.clone(),
                    given: Some(given),
                }
            };
            if let Some(given) = &mut waiting.given
                && let Ok(permit) = given.await
            {
                return permit;
            }
        }
    }

    /// How many are free.
    pub(super) fn available(&self) -> usize {
        self.lock().available
    }

    /// How many are held, including those that will not come back.
    pub(super) fn held(&self) -> usize {
        let state = self.lock();
        state.total + state.withdrawn - state.available
    }

    /// Whether more are held than there are: some will not come back.
    pub(super) fn is_owed_some(&self) -> bool {
        self.lock().withdrawn > 0
    }

    /// Adds permits.
    pub(super) fn add(self: &Arc<Self>, count: usize) {
        if count == 0 {
            return;
        }
        {
            let mut state = self.lock();
            let kept = count.min(state.withdrawn);
            state.withdrawn -= kept;
            state.total += count;
            state.available += count - kept;
        }
        self.serve();
    }

    /// Removes free permits; returns how many were removed.
    pub(super) fn forget(&self, count: usize) -> usize {
        let mut state = self.lock();
        let count = count.min(state.available);
        state.total -= count;
        state.available -= count;
        count
    }

    /// Removes permits: those that are free now, and held ones when they come back.
    pub(super) fn withdraw(&self, count: usize) {
        let mut state = self.lock();
        let count = count.min(state.total);
        let free = count.min(state.available);
        state.total -= count;
        state.available -= free;
        state.withdrawn += count - free;
    }

    /// Gives free permits to waiters.
    fn serve(self: &Arc<Self>) {
        loop {
            let Some((client, giver)) = self.lock().next_in_turn() else {
                return;
            };
            // If the waiter is gone, the permit comes back, and goes to the next.
            drop(giver.send(self.permit(&client)));
        }
    }

    fn permit(self: &Arc<Self>, client: &Client) -> Permit {
        Permit {
            permits: Arc::clone(self),
            client: client.clone(),
            is_forgotten: false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FairShares for Permits {
    fn is_owed(&self, waiting: &Client, holder: &Client) -> bool {
        let state = self.lock();
        let held = |client| state.clients.get(client).map_or(0, |own| own.held);
        let others = usize::from(!state.clients.contains_key(waiting));
        // If everyone had this many, all would be in use: it is an equal share.
        let of_all = |client| held(client) * (state.clients.len() + others);
        of_all(waiting) < state.total && state.total < of_all(holder)
    }
}

impl State {
    /// Takes a free permit for the client, unless there is none, or others wait for it.
    fn take_free(&mut self, client: &Client) -> bool {
        let is_free = self.available > 0 && self.waiting == 0;
        if is_free {
            self.take(client);
        }
        is_free
    }

    fn take(&mut self, client: &Client) {
        self.available -= 1;
        match self.clients.get_mut(client) {
            Some(own) => own.held += 1,
            None => {
                let own = Own {
                    held: 1,
                    ..Own::default()
                };
                self.clients.insert(client.clone(), own);
            }
        }
    }

    /// Takes a free permit for the next waiter in turn.
    fn next_in_turn(&mut self) -> Option<(Client, oneshot::Sender<Permit>)> {
        if self.available == 0 || self.waiting == 0 {
            return None;
        }
        let waiting = self.clients.iter().filter_map(|(client, own)| {
            let (number, _) = own.waiting.front()?;
            Some(((own.held, *number), client))
        });
        let (_, client) = waiting.min_by_key(|(place, _)| *place)?;
        let client = client.clone();
        let (_, giver) = self.clients.get_mut(&client)?.waiting.pop_front()?;
        self.waiting -= 1;
        self.take(&client);
        Some((client, giver))
    }

    /// Forgets a client that neither holds nor waits for a permit.
    fn forget_idle(&mut self, client: &Client) {
        let own = self.clients.get(client);
        if own.is_some_and(|own| own.held == 0 && own.waiting.is_empty()) {
            self.clients.remove(client);
        }
    }
}

impl Permit {
    /// The permit does not come back: there is one less.
    pub(super) fn forget(mut self) {
        self.is_forgotten = true;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let is_wanted = {
            let mut state = self.permits.lock();
            if self.is_forgotten {
                state.total = state.total.saturating_sub(1);
            } else if state.withdrawn > 0 {
                state.withdrawn -= 1;
            } else {
                state.available += 1;
            }
            if let Some(own) = state.clients.get_mut(&self.client) {
                own.held -= 1;
            }
            state.forget_idle(&self.client);
            state.waiting > 0
        };
        if is_wanted {
            self.permits.serve();
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // What it was given goes to the next.
        drop(self.given.take());
        let mut state = self.permits.lock();
        if let Some(own) = state.clients.get_mut(&self.client) {
            let before = own.waiting.len();
            own.waiting.retain(|(_, giver)| !giver.is_closed());
            let gone = before - own.waiting.len();
            state.waiting -= gone;
        }
        state.forget_idle(&self.client);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, future::BoxFuture};

    use super::*;

    fn client(name: &str) -> Client {
        Client::named(name)
    }

    fn held(permits: &Arc<Permits>, name: &str, count: usize) -> Vec<Permit> {
        let permit = || permits.try_acquire(&client(name)).unwrap();
        std::iter::repeat_with(permit).take(count).collect()
    }

    /// A waiter that has already been polled.
    fn waiting(permits: &Arc<Permits>, name: &str) -> BoxFuture<'static, Permit> {
        let (permits, client) = (Arc::clone(permits), client(name));
        let mut waiting = async move { permits.acquire(&client).await }.boxed();
        assert!((&mut waiting).now_or_never().is_none());
        waiting
    }

    fn is_served(waiting: &mut BoxFuture<'static, Permit>) -> Option<Permit> {
        waiting.now_or_never()
    }

    #[test]
    fn the_next_is_a_client_that_has_least_and_then_who_came_first() {
        let permits = Permits::new(3);
        let mut many = held(&permits, "a", 2);
        let mut other = held(&permits, "b", 1);
        let [mut a1, mut a2] = [waiting(&permits, "a"), waiting(&permits, "a")];
        let [mut b, mut c] = [waiting(&permits, "b"), waiting(&permits, "c")];
        assert!(permits.try_acquire(&client("d")).is_none());
        drop(many.pop());
        let c = is_served(&mut c).unwrap();
        drop(other.pop());
        let b = is_served(&mut b).unwrap();
        assert!(is_served(&mut a1).is_none());
        drop((b, c));
        assert!(is_served(&mut a1).is_some() && is_served(&mut a2).is_some());
        drop(many);
        assert_eq!(permits.available(), 3);
        assert!(permits.lock().clients.is_empty() && permits.lock().waiting == 0);
    }

    #[test]
    fn who_waits_no_longer_is_passed_by_and_loses_no_permit() {
        let permits = Permits::new(1);
        let mut one = held(&permits, "a", 1);
        let [gone, mut second] = [waiting(&permits, "b"), waiting(&permits, "b")];
        drop(gone);
        drop(one.pop());
        // It has its permit, and is dropped before it takes the permit.
        let third = waiting(&permits, "c");
        let permit = is_served(&mut second).unwrap();
        drop(permit);
        drop(third);
        assert_eq!(permits.available(), 1);
        assert!(permits.lock().clients.is_empty() && permits.lock().waiting == 0);
    }

    #[test]
    fn there_may_be_more_or_fewer() {
        let permits = Permits::new(4);
        let mut held = held(&permits, "a", 2);
        assert_eq!((permits.forget(5), permits.available()), (2, 0));
        held.pop().unwrap().forget();
        let mut second = waiting(&permits, "a");
        permits.add(2);
        assert!(is_served(&mut second).is_some());
        drop(held);
        assert_eq!(permits.available(), 3);
    }

    #[test]
    fn who_has_less_than_an_equal_share_is_owed_by_who_has_more() {
        let permits = Permits::new(10);
        let [a, b, c] = ["a", "b", "c"].map(client);
        let mut many = held(&permits, "a", 10);
        let _b = waiting(&permits, "b");
        assert!(permits.is_owed(&b, &a) && !permits.is_owed(&a, &b));
        assert!(!permits.is_owed(&a, &a) && !permits.is_owed(&b, &b));
        // Half of them.
        many.truncate(5);
        let _rest = held(&permits, "b", 4);
        assert!(!permits.is_owed(&b, &a) && permits.available() == 0);
        // A third.
        let _c = waiting(&permits, "c");
        assert!(permits.is_owed(&c, &a) && permits.is_owed(&c, &b));
    }

    #[test]
    fn what_is_withdrawn_does_not_come_back() {
        let permits = Permits::new(5);
        let mut held = held(&permits, "a", 4);
        permits.withdraw(3);
        assert_eq!(permits.available(), 0);
        let mut waiting = waiting(&permits, "b");
        for _ in 0..2 {
            drop(held.pop());
            assert!(is_served(&mut waiting).is_none(), "it is owed");
        }
        // One more replica is gone, so there are two more permits.
        permits.withdraw(1);
        permits.add(2);
        let served = is_served(&mut waiting).expect("there is one again");
        drop((served, held));
        assert_eq!(permits.available(), 3);
    }
}
