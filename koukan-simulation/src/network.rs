//! The network: hosts are actors, and connections are pipes.

use std::{
    future::pending,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use koukan_core::network::{BoxWire, Connector, DnsAnswer, LookupError, Resolver};
use tokio::io::duplex;

use super::{
    actor::destination::{self, Destination},
    plan::{DestinationPlan, Mood},
    world::World,
};

/// Octets that a connection holds in transit.
const PIPE: usize = 16 << 10;

/// The first number for actors on connections; clients have the numbers below.
const FIRST_CONNECTION: u64 = 1 << 32;

/// The host that copies go to. Nothing ever goes wrong there.
pub(crate) const ARCHIVE: &str = "archive.test";

/// The network that the agent connects to.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    world: Arc<World>,
    connections: Arc<AtomicU64>,
}

impl Network {
    pub(crate) fn new(world: Arc<World>, epoch: u64) -> Self {
        Self {
            world,
            connections: Arc::new(AtomicU64::new(FIRST_CONNECTION * (epoch + 1))),
        }
    }

    /// The address that a domain's mail goes to: `d3.test` is 10.0.0.3, `clients.test` is 10.0.1.0.
    pub(crate) fn address_of(domain: &str) -> Option<IpAddr> {
        match domain {
            "clients.test" => return Some(Ipv4Addr::new(10, 0, 1, 0).into()),
            ARCHIVE => return Some(Ipv4Addr::new(10, 0, 2, 0).into()),
            _ => {}
        }
        let number = domain.strip_prefix('d')?.strip_suffix(".test")?;
        Some(Ipv4Addr::new(10, 0, 0, number.parse().ok()?).into())
    }

    fn destination(&self, address: SocketAddr) -> Option<(String, DestinationPlan)> {
        let IpAddr::V4(address) = address.ip() else {
            return None;
        };
        match address.octets() {
            [10, 0, 0, number] => {
                let plan = self.world.plan.destinations.get(usize::from(number))?;
                Some((format!("d{number}.test"), plan.clone()))
            }
            // The server for notifications.
            [10, 0, 1, 0] => Some(("clients.test".to_owned(), destination::home())),
            [10, 0, 2, 0] => Some((ARCHIVE.to_owned(), destination::home())),
            _ => None,
        }
    }
}

#[async_trait]
impl Connector for Network {
    async fn connect(&self, address: SocketAddr) -> io::Result<BoxWire> {
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        let Some((name, mut plan)) = self.destination(address) else {
            return Err(io::ErrorKind::HostUnreachable.into());
        };
        if self.world.is_healed() {
            plan.mood = Mood::Healthy;
        }
        match plan.mood {
            Mood::Refusing => return Err(io::ErrorKind::ConnectionRefused.into()),
            Mood::Hanging if number.is_multiple_of(2) => return pending().await,
            _ => {}
        }
        let (ours, theirs) = duplex(PIPE);
        let is_archive = name == ARCHIVE;
        let name = format!("{name} #{}", number % FIRST_CONNECTION + 1);
        let mut destination = Destination::new(name, plan, Arc::clone(&self.world), number);
        if is_archive {
            destination = destination.archiving();
        }
        tokio::spawn(destination.serve(theirs));
        Ok(Box::new(ours))
    }
}

#[async_trait]
impl Resolver for Network {
    async fn addresses(&self, host: &str) -> Result<DnsAnswer<IpAddr>, LookupError> {
        let address = Self::address_of(host).ok_or(LookupError::NoSuchName)?;
        Ok(DnsAnswer::insecure([address]))
    }
}
