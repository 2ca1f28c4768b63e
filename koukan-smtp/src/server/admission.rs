//! Limits the number of connections.

use std::net::IpAddr;

use koukan_core::shares::{Charge, Client, Shares};

use super::Limits;

/// Shares the connections between clients; each client may hold a limited number.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    shares: Shares<Holder>,
    client_max: u64,
}

/// The holder of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Holder {
    Client(Client),
    /// A proxy that has not yet named its client.
    Proxy(Client),
}

/// A proxy's connection whose client is not known yet. Dropping it releases the connection.
#[derive(Debug)]
pub(super) struct Entry {
    charge: Charge<Holder>,
    client_max: u64,
}

/// The right of a client to hold one connection. Dropping it releases the connection.
#[derive(Debug)]
pub(super) struct Permit {
    charge: Charge<Holder>,
    /// The first holder of the connection.
    first: Holder,
    client_max: u64,
}

impl Admission {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            shares: Shares::new(limits.connections as u64),
            client_max: limits.connections_per_client as u64,
        }
    }

    /// A permit for that client; `None` if the client, or the server as a whole, has too many connections.
    pub(super) fn admit(&self, client: Client) -> Option<Permit> {
        let holder = Holder::Client(client);
        Permit::new(self.shares.charge(&holder, 1)?, holder, self.client_max)
    }

    /// Admits a proxy that still has to name its client. `None` if the server has too many
    /// connections, or the proxy has too many whose client it has not named.
    pub(super) fn enter(&self, proxy: IpAddr) -> Option<Entry> {
        let holder = Holder::Proxy(Client::at(proxy));
        Some(Entry {
            charge: self.shares.charge(&holder, 1)?,
            client_max: self.client_max,
        })
    }
}

impl Entry {
    /// A permit for the client that the proxy has named; `None` if that client has too many connections.
    pub(super) fn admit(self, client: IpAddr) -> Option<Permit> {
        let holder = Holder::Client(Client::at(client));
        Permit::new(self.charge.hand_to(&holder)?, holder, self.client_max)
    }
}

impl Permit {
    /// A permit for the present holder of the charge; `None` if that holder has too many connections.
    fn new(charge: Charge<Holder>, first: Holder, client_max: u64) -> Option<Self> {
        (charge.held() <= client_max).then_some(Self {
            charge,
            first,
            client_max,
        })
    }

    /// Passes the permit on to the client that the first holder turns out to speak for. `None`, and
    /// the connection is released, if that client has too many. A client that is not known has no
    /// count of its own; the first holder is charged.
    pub(super) fn hand_to(self, client: Option<IpAddr>) -> Option<Self> {
        let Self {
            charge,
            first,
            client_max,
        } = self;
        let client = client.map(|client| Holder::Client(Client::at(client)));
        let charge = charge.hand_to(client.as_ref().unwrap_or(&first))?;
        Self::new(charge, first, client_max)
    }
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
        let admit = |text| admission.admit(Client::at(address(text)));
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
            .filter_map(|host| admission.admit(Client::at(address(&format!("2001:db8::{host}")))))
            .collect();
        assert_eq!(hostile.len(), 70, "addresses of one network are one client");
        assert!(
            admission
                .admit(Client::at(address("2001:db8:0:1::1")))
                .is_some()
        );
        drop(hostile);
        let proxy = address("192.0.2.9");
        let silent: Vec<_> = (0..200).filter_map(|_| admission.enter(proxy)).collect();
        assert_eq!(silent.len(), 70);
        assert!(admission.admit(Client::at(address("192.0.2.1"))).is_some());
        assert!(
            admission.admit(Client::at(proxy)).is_some(),
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

    #[test]
    fn whoever_turns_out_to_be_the_client_is_counted() {
        let admission = admission(100, 2);
        let proxy = || admission.admit(Client::at(address("192.0.2.9")));
        let named = |client| proxy()?.hand_to(Some(address(client)));
        let held = ["192.0.2.1", "192.0.2.1", "192.0.2.2"].map(named);
        assert!(held.iter().all(Option::is_some));
        assert!(named("192.0.2.1").is_none());
        // The proxy names its client anew; then it names one that is not known, for which the proxy
        // itself is charged.
        let [first, ..] = held.map(Option::unwrap);
        assert_eq!(admission.shares.used(), 1);
        let first = first.hand_to(Some(address("192.0.2.3"))).unwrap();
        let _first = first.hand_to(None).unwrap();
        let _second = proxy().unwrap();
        assert!(proxy().is_none());
        assert!(named("192.0.2.1").is_none(), "the proxy has too many");
    }
}
