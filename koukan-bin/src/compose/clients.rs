//! Restricts the clients of a listener.

use std::sync::Arc;

use koukan_core::reply::Reply;
use koukan_smtp::{
    Network,
    server::{Greeter, Greeting, Introduction},
};
use tower::{BoxError, service_fn};

/// Only accepts clients from these networks. Behind a proxy, the client is the one that the proxy names.
pub(super) fn only(networks: Vec<Network>) -> impl Greeter {
    let networks: Arc<[Network]> = networks.into();
    service_fn(move |client: Introduction| {
        let remote = client.context.remote_host;
        let is_welcome = remote.is_some_and(|remote| {
            let address = remote.ip().to_canonical();
            networks.iter().any(|network| network.holds(address))
        });
        std::future::ready(Ok::<_, BoxError>(match is_welcome {
            true => client.welcome(),
            false => Greeting::Refused(Reply::policy_refused()),
        }))
    })
}
