//! How many connections there may be.

use std::net::IpAddr;

use koukan_core::shares::{Charge, Client, Shares};

use super::Limits;

/// Shares the connections between clients, each of which may have so many of them.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    shares: Shares<Holder>,
    client_max: u64,
}

/// Who holds a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Holder {
    Client(Client),
    /// A proxy that has not said yet who its client is.
    Proxy(Client),
}

/// A proxy's connection whose client is not known yet; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Entry {
    charge: Charge<Holder>,
    client_max: u64,
}

/// The right of a client to hold one connection; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Permit {
    _charge: Charge<Holder>,
}

impl Admission {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            shares: Shares::new(limits.connections as u64),
            client_max: limits.connections_per_client as u64,
        }
    }

    /// A permit for the client at that address, unless it or all have too many.
    pub(super) fn admit(&self, client: IpAddr) -> Option<Permit> {
        let holder = Holder::Client(Client::at(client));
        permit(self.shares.charge(&holder, 1)?, self.client_max)
    }

    /// Lets a proxy in that is to say who its client is, unless there are too many connections, or
    /// it has too many on which it has not said it.
    pub(super) fn enter(&self, proxy: IpAddr) -> Option<Entry> {
        let holder = Holder::Proxy(Client::at(proxy));
        Some(Entry {
            charge: self.shares.charge(&holder, 1)?,
            client_max: self.client_max,
        })
    }
}

impl Entry {
    /// A permit for the client that the proxy has named, unless that one has too many.
    pub(super) fn admit(self, client: IpAddr) -> Option<Permit> {
        let holder = Holder::Client(Client::at(client));
        permit(self.charge.hand_to(&holder)?, self.client_max)
    }
}

fn permit(charge: Charge<Holder>, client_max: u64) -> Option<Permit> {
    (charge.held() <= client_max).then_some(Permit { _charge: charge })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn admission(connections: usize, connections_per_client: usize) -> Admission {
        Admission::new(&Limits {
            connections,
            connections_per_client,
            ..Limits::default()
        })
    }

    #[test]
    fn counts_in_all_and_by_client_and_takes_permits_back() {
        let admission = admission(3, 2);
        let admit = |text| admission.admit(address(text));
        let first = admit("192.0.2.1");
        let second = admit("::ffff:192.0.2.1");
        assert!(first.is_some() && second.is_some());
        assert!(admit("192.0.2.1").is_none(), "two of one client are enough");
        let third = admit("192.0.2.2");
        assert!(third.is_some());
        assert!(admit("192.0.2.3").is_none(), "three in all are enough");
        drop(first);
        assert!(admit("192.0.2.1").is_some());
        drop((second, third));
        assert_eq!(admission.shares.used(), 0);
    }

    #[test]
    fn no_client_takes_all_and_a_proxy_does_not_either() {
        let admission = admission(80, 1000);
        let hostile: Vec<_> = (0..200)
            .filter_map(|host| admission.admit(address(&format!("2001:db8::{host}"))))
            .collect();
        assert_eq!(hostile.len(), 70, "addresses of one network are one client");
        assert!(admission.admit(address("2001:db8:0:1::1")).is_some());
        drop(hostile);
        let proxy = address("192.0.2.9");
        let silent: Vec<_> = (0..200).filter_map(|_| admission.enter(proxy)).collect();
        assert_eq!(silent.len(), 70);
        assert!(admission.admit(address("192.0.2.1")).is_some());
        assert!(
            admission.admit(proxy).is_some(),
            "as a client it is another"
        );
    }

    #[test]
    fn behind_a_proxy_the_client_is_counted() {
        let admission = admission(100, 2);
        let admit = |client| {
            let entry = admission.enter(address("192.0.2.9"))?;
            entry.admit(address(client))
        };
        let held = ["192.0.2.1", "192.0.2.1", "192.0.2.2"].map(admit);
        assert!(held.iter().all(Option::is_some));
        assert!(admit("192.0.2.1").is_none());
        assert_eq!(admission.shares.used(), 3);
    }
}
