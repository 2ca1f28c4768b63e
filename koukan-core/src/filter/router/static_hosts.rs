//! Routes everything to the same hosts.

use crate::{
    path::ForwardPath,
    signals::{Destination, HostPort},
};

use super::{Decision, Policy};

/// Routes every recipient to the same hosts.
#[derive(Debug, Clone)]
pub struct StaticHosts(Destination);

impl StaticHosts {
    /// Routes to these hosts, which are tried in this order.
    pub fn new(hosts: impl IntoIterator<Item = HostPort>) -> Self {
        Self(Destination::of_operator(hosts))
    }
}

impl Policy for StaticHosts {
    fn decide(&self, _: &ForwardPath) -> Decision {
        Decision::Route(self.0.clone())
    }
}
