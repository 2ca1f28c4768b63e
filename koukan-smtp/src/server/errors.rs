//! Counts the errors of clients across their connections.

use std::{net::SocketAddr, time::Duration};

use koukan_core::{context::Context, shares::Client};

use super::{
    Config, Limits,
    counts::{Bound, Counts},
};

/// Clients that have authenticated may make this many times as many errors.
const KNOWN: u32 = 10;

/// Counts the errors of clients: by user name if the client has authenticated, otherwise by
/// address. Not counted are clients on this host, since others may stand behind them, proxies, and
/// clients without an address.
#[derive(Debug, Default)]
pub(super) struct Errors(Counts);

impl Errors {
    /// Whether a client that connects from there has made too many errors.
    pub(super) fn bars_host(&self, config: &Config, host: Option<SocketAddr>) -> bool {
        let host = host.filter(|_| !is_trusted(config, host, false));
        host.is_some_and(|host| self.0.is_full(&Client::at(host.ip())))
    }

    /// Whether the client has made too many errors.
    pub(super) fn bars(&self, config: &Config, client: &Context, is_spoken_for: bool) -> bool {
        let client = counted(config, client, is_spoken_for);
        client.is_some_and(|client| self.0.is_full(&client))
    }

    /// Adds to the errors of the client. Returns how long the client has to wait for its next
    /// command; `None` where it had already made too many.
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

/// The client whose errors are counted; `None` where the client is not known, or is a proxy.
fn counted(config: &Config, client: &Context, is_spoken_for: bool) -> Option<Client> {
    if is_trusted(config, client.remote_host, is_spoken_for) {
        return None;
    }
    Some(client.client()).filter(|client| *client != Client::Unknown)
}

/// Whether the peer is this host or a proxy itself, and not a client that a proxy speaks for.
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
