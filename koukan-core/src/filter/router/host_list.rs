//! Routes everything to one of several weighted hosts.

use std::{fmt, sync::Arc};

use crate::{
    path::ForwardPath,
    random::SharedRandom,
    signals::{Destination, HostPort},
};

use super::{Decision, Policy};

/// Routes every recipient to one of several hosts. A host is drawn in proportion to its weight. If it does not answer,
/// the others are tried, drawn in the same way.
///
/// A host with weight 0 is a reserve: it is tried when none of the others answers. A transaction has one order of
/// hosts, however many recipients it has. Each attempt at delivery draws anew.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
///
/// use koukan_core::{filter::router::HostList, random::SystemRandom};
///
/// let hosts = [("mx1.example.com:25", 3), ("mx2.example.com:25", 1), ("mx3.example.com:25", 0)];
/// let hosts = hosts.map(|(host, weight)| (host.parse().expect("a host"), weight));
/// let list = HostList::new(hosts, Arc::new(SystemRandom));
/// let drawn = list.draw();
/// assert_eq!(drawn.hosts.len(), 3);
/// assert_eq!(&*drawn.hosts[2].host, "mx3.example.com");
/// ```
#[derive(Clone)]
pub struct HostList {
    hosts: Arc<[(HostPort, u32)]>,
    random: SharedRandom,
}

impl HostList {
    /// Routes to these hosts of the operator, each with its weight.
    pub fn new(hosts: impl IntoIterator<Item = (HostPort, u32)>, random: SharedRandom) -> Self {
        Self {
            hosts: hosts.into_iter().collect(),
            random,
        }
    }

    /// The hosts, in the order given.
    pub fn hosts(&self) -> impl Iterator<Item = &HostPort> {
        self.hosts.iter().map(|(host, _)| host)
    }

    /// All hosts, in a random order.
    pub fn draw(&self) -> Destination {
        let (mut left, reserve): (Vec<_>, Vec<_>) =
            self.hosts.iter().partition(|(_, weight)| *weight > 0);
        let mut drawn = Vec::with_capacity(self.hosts.len());
        while !left.is_empty() {
            let weights = left.iter().map(|(_, weight)| f64::from(*weight));
            let mut point = self.random.unit() * weights.clone().sum::<f64>();
            let is_it = |weight: f64| {
                point -= weight;
                point < 0.0
            };
            // Because of rounding, the sum may be less than the numbers drawn.
            let at = { weights }.position(is_it).unwrap_or(left.len() - 1);
            drawn.push(left.remove(at));
        }
        let hosts = drawn.into_iter().chain(reserve);
        Destination::of_operator(hosts.map(|(host, _)| host.clone()))
    }
}

impl fmt::Debug for HostList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HostList").field(&self.hosts).finish()
    }
}

/// The same hosts with the same weights.
impl PartialEq for HostList {
    fn eq(&self, other: &Self) -> bool {
        self.hosts == other.hosts
    }
}

impl Eq for HostList {}

impl Policy for HostList {
    fn decide(&self, _: &ForwardPath) -> Decision {
        Decision::RouteToOneOf(self.clone())
    }
}
