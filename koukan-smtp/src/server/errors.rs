//! Which clients have made too many errors, on whichever connections.

use std::{net::SocketAddr, time::Duration};

use koukan_core::{context::Context, shares::Client};

use super::{
    Config, Limits,
    counts::{Bound, Counts},
};

/// How many times as many errors clients may make that have shown who they are.
const KNOWN: u32 = 10;

/// Counts the errors of clients: of those that have shown who they are by name, of others by address.
/// Nobody on this host is counted, since others may stand behind it, nor proxies, nor who has no address.
#[derive(Debug, Default)]
pub(super) struct Errors(Counts);

impl Errors {
    /// Whether who connects from there has made too many errors.
    pub(super) fn bars_host(&self, config: &Config, host: Option<SocketAddr>) -> bool {
        let host = host.filter(|_| !is_trusted(config, host, false));
        host.is_some_and(|host| self.0.is_full(&Client::at(host.ip())))
    }

    /// Whether the client has made too many errors.
    pub(super) fn bars(&self, config: &Config, client: &Context, is_spoken_for: bool) -> bool {
        let client = counted(config, client, is_spoken_for);
        client.is_some_and(|client| self.0.is_full(&client))
    }

    /// Counts so many errors of the client. Returns how long it has to wait for what it does next; `None`
    /// where it has made too many before.
    pub(super) fn count(
        &self,
        config: &Config,
        client: &Context,
        is_spoken_for: bool,
        more: u32,
    ) -> Option<Duration> {
        let Some(client) = counted(config, client, is_spoken_for) else {
            return Some(Duration::ZERO);
        };
        let limits = &config.limits;
        let bound = bound(&client, limits);
        let count = self.0.add(&client, more, bound)?;
        if count >= bound.max {
            tracing::info!(%client, count, "a client has made too many errors, and is refused for a while");
        }
        let is_slow = count > bound.max / 10;
        Some(match is_slow {
            true => limits.refusal_delay,
            false => Duration::ZERO,
        })
    }
}

/// Whose errors are counted: nobody's where there is no telling, and no proxy's.
fn counted(config: &Config, client: &Context, is_spoken_for: bool) -> Option<Client> {
    if is_trusted(config, client.remote_host, is_spoken_for) {
        return None;
    }
    Some(client.client()).filter(|client| *client != Client::Unknown)
}

/// Whether it is this host or a proxy that is there, and not a client of one.
fn is_trusted(config: &Config, host: Option<SocketAddr>, is_spoken_for: bool) -> bool {
    let is_proxy = host
        .is_some_and(|host| host.ip().to_canonical().is_loopback() || config.is_proxy(host.ip()));
    !is_spoken_for && (is_proxy || config.may_xclient(host))
}

fn bound(client: &Client, limits: &Limits) -> Bound {
    let max = match client {
        Client::Named(_) => limits.errors_per_client.saturating_mul(KNOWN),
        _ => limits.errors_per_client,
    };
    Bound {
        max,
        again: max / 2,
        forget: limits.errors_forgotten / max.max(1),
    }
}
