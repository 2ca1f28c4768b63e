//! Writes destinations as JSON, for operators.

use std::time::Duration;

use koukan_core::resource::{DestinationView, DestinationsListed};
use serde_json::{Value, json};

use super::reply_to_json;

/// Writes a list of destinations; `is_cut` is true if there are more.
pub fn destinations_to_json(listed: &DestinationsListed) -> Value {
    let destinations = listed.destinations.iter();
    let destinations: Vec<_> = destinations.map(destination_to_json).collect();
    json!({"destinations": destinations, "is_cut": listed.is_cut})
}

/// Writes a destination.
pub fn destination_to_json(view: &DestinationView) -> Value {
    let census = &view.census;
    let mut json = json!({
        "name": census.host,
        "state": view.state(),
        "queued": census.queued,
        "active": census.active,
        "held": census.held,
        "due": census.due,
    });
    if let Some(next) = census.next {
        json["next_attempt"] = json!(next.to_string());
    }
    if let Some(last) = &census.last_attempt {
        json["last_attempt"] = json!(last.ended.to_string());
        if let Some(remote) = &last.remote {
            json["last_host"] = json!(&*remote.host);
        }
    }
    if let Some(reply) = census.last_reply() {
        json["last_response"] = reply_to_json(&reply);
    }
    if let Some(suspension) = &view.suspension {
        json["suspended"] = json!({
            "since": suspension.since.to_string(),
            "by": suspension.by,
        });
    }
    if let Some(room) = &view.room {
        let mut limits = json!({
            "host": room.host.to_string(),
            "connections": room.connections,
            "max_connections": room.max_connections,
            "max_connections_of_all": room.max_of_all,
        });
        if let Some(rate) = &room.rate {
            let shown = |(messages, per): (usize, Duration)| json!({"messages": messages, "seconds": per.as_secs_f64()});
            limits["rate"] = shown(rate.limit());
            limits["rate_of_all"] = shown(rate.limit_of_all());
        }
        json["limits"] = limits;
    }
    if let Some(down) = &view.down {
        let hosts = down.hosts.iter().map(ToString::to_string);
        json["down"] = json!({
            "since": down.since.to_string(),
            "until": down.until.to_string(),
            "hosts": hosts.collect::<Vec<_>>(),
        });
    }
    json
}
