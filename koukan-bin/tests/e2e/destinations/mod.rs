//! Destinations that are impatient, slow or small, and clients that would keep them from all
//! others.

mod few_connections;
mod greylisting;
mod many_recipients;
mod own_limits;
mod silent_clients;
mod slow_greeting;

use crate::{agent::Agent, http::Request};

/// How many messages of all senders were deferred so far.
fn deferred(agent: &Agent) -> u64 {
    let metrics = Request::get("/metrics").send(agent.rest).unwrap();
    let lines = metrics.content().lines();
    let counts = lines.filter_map(|line| {
        let (series, count) = line.rsplit_once(' ')?;
        let is_deferral = series.starts_with("koukan_messages_deferred_total");
        is_deferral.then(|| count.parse::<u64>().unwrap())
    });
    counts.sum()
}
