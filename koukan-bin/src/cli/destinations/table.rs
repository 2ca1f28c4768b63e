//! The JSON of the REST API as tables for people.

use std::fmt::Write;

use serde_json::Value;

use crate::cli::table::{aligned, array, reply, text, time, until};

/// Destinations, one in each line.
pub(super) fn list(listed: &Value) -> String {
    let destinations = array(&listed["destinations"]);
    if destinations.is_empty() {
        return "there is none".into();
    }
    let head = [
        "NAME",
        "STATE",
        "QUEUED",
        "ACTIVE",
        "HELD",
        "DUE",
        "NEXT",
        "LAST REPLY",
    ];
    let head = head.map(str::to_owned);
    let rows: Vec<_> = destinations.iter().map(row).collect();
    let mut text = aligned(std::iter::once(&head).chain(&rows));
    if listed["is_cut"] == true {
        text.push_str("… and more: --limit says how many are listed\n");
    }
    text
}

fn row(one: &Value) -> [String; 8] {
    let [queued, active, held, due] =
        ["queued", "active", "held", "due"].map(|name| one[name].to_string());
    [
        text(&one["name"]).into(),
        text(&one["state"]).into(),
        queued,
        active,
        held,
        due,
        until(&one["next_attempt"]),
        reply(&one["last_response"]),
    ]
}

/// The limits of its host.
fn limits(limits: &Value) -> String {
    if !limits.is_object() {
        return String::new();
    }
    let (host, now, max) = (
        text(&limits["host"]),
        &limits["connections"],
        &limits["max_connections"],
    );
    let connections = match now == max {
        true => format!("{host}: {max} connections"),
        false => format!("{host}: {now} connections, of {max}, since it has refused more"),
    };
    let rate = &limits["rate"];
    match rate.is_object() {
        true => format!(
            "{connections}; {} messages in {} s",
            rate["messages"], rate["seconds"]
        ),
        false => connections,
    }
}

/// Everything that is known of a destination.
pub(super) fn show(one: &Value) -> String {
    let mut out = String::new();
    let mut tell = |name: &str, value: String| {
        if !value.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{name:<14} {value}");
        }
    };
    tell("name", text(&one["name"]).into());
    tell("state", text(&one["state"]).into());
    let suspended = &one["suspended"];
    if suspended.is_object() {
        let (since, by) = (time(&suspended["since"]), text(&suspended["by"]));
        tell("suspended", format!("since {since} by {by}"));
    }
    let down = &one["down"];
    if down.is_object() {
        let hosts: Vec<_> = array(&down["hosts"]).iter().map(text).collect();
        let (since, until) = (time(&down["since"]), time(&down["until"]));
        let hosts = hosts.join(", ");
        tell(
            "down",
            format!("since {since}: {hosts}; tried again {until}"),
        );
    }
    tell("limits", limits(&one["limits"]));
    for name in ["queued", "active", "held", "due"] {
        tell(name, one[name].to_string());
    }
    tell("next attempt", time(&one["next_attempt"]));
    tell("last attempt", time(&one["last_attempt"]));
    tell("last host", text(&one["last_host"]).into());
    tell("last reply", reply(&one["last_response"]));
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_destination_is_a_line_and_all_of_it_some() {
        let epoch = "1970-01-01T00:00:00Z";
        let one = json!({
            "name": "x.example", "state": "suspended", "queued": 7, "active": 1, "held": 2, "due": 3,
            "next_attempt": epoch, "last_attempt": epoch, "last_host": "mx.example",
            "last_response": {"code": 450, "message": "4.2.1 busy\ntry later"},
            "suspended": {"since": epoch, "by": "olga"},
            "down": {"since": epoch, "until": epoch, "hosts": ["mx.example:25", "b:25"]},
            "limits": {"host": "mx.example:25", "connections": 3, "max_connections": 20,
                "rate": {"messages": 5, "seconds": 3.0}},
        });
        let table = list(&json!({"destinations": [one], "is_cut": true}));
        let lines: Vec<Vec<_>> = table
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        let expected = ["x.example", "suspended", "7", "1", "2", "3", "due", "450"];
        assert_eq!(lines[1][..8], expected);
        assert!(table.ends_with("--limit says how many are listed\n"));
        let told = show(&one);
        for line in [
            "suspended      since 1970-01-01T00:00:00Z by olga\n",
            "down           since 1970-01-01T00:00:00Z: mx.example:25, b:25; tried again 1970-01-01T00:00:00Z\n",
            "limits         mx.example:25: 3 connections, of 20, since it has refused more; 5 messages in 3.0 s\n",
            "due            3\n",
            "last reply     450 4.2.1 busy try later\n",
        ] {
            assert!(told.contains(line), "{line:?} in {told}");
        }
        assert_eq!(list(&json!({"destinations": []})), "there is none");
    }
}
