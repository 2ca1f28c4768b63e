//! How many connections there may be.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Limits;

/// Counts the connections in all and of each client.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    counts: Arc<Mutex<Counts>>,
    total_max: usize,
    client_max: usize,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    clients: HashMap<IpAddr, usize>,
}

/// The right to hold one of all connections, whoever its client is; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Entry {
    counts: Arc<Mutex<Counts>>,
    client_max: usize,
}

/// The right of a client to hold one connection; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Permit {
    entry: Entry,
    client: IpAddr,
}

impl Admission {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            counts: Arc::default(),
            total_max: limits.connections,
            client_max: limits.connections_per_client,
        }
    }

    /// Lets a connection in whose client may not be known yet, unless there are too many.
    pub(super) fn enter(&self) -> Option<Entry> {
        let mut counts = lock(&self.counts);
        if counts.total >= self.total_max {
            return None;
        }
        counts.total += 1;
        Some(Entry {
            counts: Arc::clone(&self.counts),
            client_max: self.client_max,
        })
    }
}

impl Entry {
    /// A permit for the client on that address, unless it has too many.
    pub(super) fn admit(self, address: IpAddr) -> Option<Permit> {
        let client = client_of(address);
        let mut counts = lock(&self.counts);
        let of_client = counts.clients.get(&client).copied().unwrap_or(0);
        if of_client >= self.client_max {
            return None;
        }
        counts.clients.insert(client, of_client + 1);
        drop(counts);
        Some(Permit {
            entry: self,
            client,
        })
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.counts).total -= 1;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = lock(&self.entry.counts);
        if let Some(of_client) = counts.clients.get_mut(&self.client) {
            *of_client -= 1;
            if *of_client == 0 {
                counts.clients.remove(&self.client);
            }
        }
    }
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An IPv6 client has a whole /64 network to take addresses from.
fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn counts_in_all_and_by_client_and_takes_permits_back() {
        let admission = Admission::new(&Limits {
            connections: 3,
            connections_per_client: 2,
            ..Limits::default()
        });
        let admit = |text| admission.enter()?.admit(address(text));
        let first = admit("192.0.2.1");
        let _second = admit("::ffff:192.0.2.1");
        assert!(first.is_some());
        assert!(admit("192.0.2.1").is_none(), "two of one client are enough");
        let _third = admit("192.0.2.2");
        assert!(admission.enter().is_none(), "three in all are enough");
        drop(first);
        assert!(admit("192.0.2.1").is_some());
        drop(_second);
        drop(_third);
        let unknown = [admission.enter(), admission.enter(), admission.enter()];
        assert!(unknown.iter().all(Option::is_some) && admission.enter().is_none());
        drop(unknown);
        assert!(lock(&admission.counts).clients.is_empty());
        assert_eq!(lock(&admission.counts).total, 0);
    }

    #[test]
    fn an_ipv6_client_is_its_network() {
        assert_eq!(
            client_of(address("2001:db8::1")),
            client_of(address("2001:db8::2:3"))
        );
        assert_ne!(
            client_of(address("2001:db8::1")),
            client_of(address("2001:db8:0:1::1"))
        );
    }
}
