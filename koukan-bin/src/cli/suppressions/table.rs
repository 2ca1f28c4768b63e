//! The JSON of the REST API as tables for people.

use serde_json::Value;

use crate::cli::table::{aligned, array, text, time};

/// Addresses, one in each line.
pub(super) fn list(listed: &Value) -> String {
    let suppressions = array(&listed["suppressions"]);
    if suppressions.is_empty() {
        return "there is none".into();
    }
    let head = ["ADDRESS", "SINCE", "UNTIL", "REASON"].map(str::to_owned);
    let rows: Vec<_> = suppressions.iter().map(row).collect();
    let mut text = aligned(std::iter::once(&head).chain(&rows));
    if listed["next_cursor"].is_string() {
        text.push_str("… and more: --after an address goes on from there\n");
    }
    text
}

/// An address in one line.
pub(super) fn line(one: &Value) -> String {
    aligned([&row(one)])
}

fn row(one: &Value) -> [String; 4] {
    [
        text(&one["address"]).into(),
        time(&one["since"]),
        time(&one["until"]),
        text(&one["reason"]).into(),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_address_is_a_line_with_its_reason() {
        let one = json!({"address": "bob@x", "since": "2000-01-01T00:00:00.5Z",
            "until": "2000-02-01T00:00:00Z", "reason": "550 5.1.1 no"});
        let listed = list(&json!({"suppressions": [one], "next_cursor": "bob@x"}));
        let lines: Vec<_> = listed.lines().collect();
        assert!(lines[0].starts_with("ADDRESS"), "{listed}");
        let words: Vec<_> = lines[1].split_whitespace().collect();
        assert_eq!(words[0], "bob@x");
        assert!(
            lines[1].ends_with("550 5.1.1 no") && lines[2].contains("--after"),
            "{listed}"
        );
        assert_eq!(list(&json!({"suppressions": []})), "there is none");
    }
}
