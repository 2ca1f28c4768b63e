//! The JSON of the REST API as tables for people.

use serde_json::Value;

use crate::cli::table::{aligned, array, text, time};

/// Webhooks, one in each line.
pub(super) fn list(listed: &Value) -> String {
    let hooks = array(&listed["webhooks"]);
    if hooks.is_empty() {
        return "there is none".into();
    }
    let head = ["NAME", "STATE", "SINCE", "FAILURES", "EVENTS", "ERROR"].map(str::to_owned);
    let rows: Vec<_> = hooks.iter().map(row).collect();
    aligned(std::iter::once(&head).chain(&rows))
}

/// A webhook in one line.
pub(super) fn line(one: &Value) -> String {
    aligned([&row(one)])
}

fn row(one: &Value) -> [String; 6] {
    let events = match (one["first_event"].as_str(), one["last_event"].as_str()) {
        (Some(first), Some(last)) if first == last => first.to_owned(),
        (Some(first), Some(last)) => format!("{first}-{last}"),
        _ => String::new(),
    };
    [
        text(&one["name"]).into(),
        text(&one["state"]).into(),
        time(&one["failing_since"]),
        one["failures"].to_string(),
        events,
        text(&one["last_error"]).into(),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_webhook_is_a_line_with_what_it_does_not_take() {
        let dead = json!({"name": "app", "state": "dead", "failures": 9, "last_error": "it answered 503",
            "failing_since": "2000-01-01T00:00:00.5Z", "first_event": "7", "last_event": "9"});
        let up = json!({"name": "http://x/", "state": "up", "failures": 0});
        let listed = list(&json!({"webhooks": [dead, up]}));
        let lines: Vec<_> = listed.lines().collect();
        assert!(lines[0].starts_with("NAME"), "{listed}");
        let words: Vec<_> = lines[1].split_whitespace().collect();
        assert_eq!(words[..2], ["app", "dead"]);
        assert!(words.contains(&"7-9"), "{listed}");
        assert!(lines[1].ends_with("it answered 503"), "{listed}");
        let words: Vec<_> = lines[2].split_whitespace().collect();
        assert_eq!(words[..2], ["http://x/", "up"]);
        assert_eq!(list(&json!({"webhooks": []})), "there is none");
    }
}
