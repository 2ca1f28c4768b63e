//! Limits the requests that are passed on to other replicas.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use koukan_core::shares::{Charge, Client, Shares};

/// Counts the requests that are passed on to other replicas; clones share the count.
///
/// A replica can have only its share of all places, so that a silent one does not take those of the others. A
/// client can have only its share of these, so that other clients can reach that replica as well.
#[derive(Clone)]
pub(super) struct UnderWay {
    by_replica: Shares<Box<str>>,
    by_client: Arc<Mutex<HashMap<Box<str>, Shares<Client>>>>,
}

/// The place of one request; dropping it releases the place.
pub(super) struct Slot {
    _of_replica: Charge<Box<str>>,
    _of_client: Charge<Client>,
}

impl UnderWay {
    /// With so many places for all replicas together.
    pub(super) fn new(total: u64) -> Self {
        Self {
            by_replica: Shares::new(total),
            by_client: Arc::default(),
        }
    }

    /// A place for a request of that client to that replica; `None` if there is none free.
    pub(super) fn enter(&self, there: &str, client: &Client) -> Option<Slot> {
        let of_client = self.clients_of(there).charge(client, 1)?;
        let of_replica = self.by_replica.charge(&there.into(), 1)?;
        Some(Slot {
            _of_replica: of_replica,
            _of_client: of_client,
        })
    }

    fn clients_of(&self, there: &str) -> Shares<Client> {
        let known = self.by_client.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        if let Some(clients) = known.get(there) {
            return clients.clone();
        }
        // Replicas get new addresses with each session, so unused entries are removed.
        known.retain(|_, clients| clients.used() > 0);
        // The places of one replica while no other has any.
        let total = self.by_replica.total();
        let clients = Shares::new((total - total / 8).max(1));
        known.insert(there.into(), clients.clone());
        clients
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_client_and_no_replica_takes_all() {
        let under_way = UnderWay::new(80);
        let [one, other] = ["one", "other"].map(Client::named);
        let all = |there: &str, client: &Client| -> Vec<_> {
            std::iter::from_fn(|| under_way.enter(there, client)).collect()
        };
        let of_one = all("a", &one);
        assert_eq!(of_one.len(), 61);
        let of_other = all("a", &other);
        assert!(!of_other.is_empty());
        assert!(of_one.len() + of_other.len() <= 70);
        assert!(!all("b", &one).is_empty());
        drop((of_one, of_other));
        assert_eq!(all("c", &one).len(), 61);
        assert_eq!(under_way.by_client.lock().unwrap().len(), 1);
    }
}
