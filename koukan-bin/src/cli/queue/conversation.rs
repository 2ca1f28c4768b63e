//! The dialogue of an attempt, as text for people.

use std::fmt::Write;

use serde_json::Value;

use crate::cli::table::{array, text};

/// How the connection was encrypted, and the dialogue, one line each.
pub(super) fn told(attempt: &Value) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let tls = &attempt["tls"];
    if tls.is_object() {
        let [version, cipher, verified] =
            ["version", "cipher", "verified"].map(|it| text(&tls[it]));
        let _ = writeln!(out, "  TLS: {version}, {cipher}, {verified}");
    }
    for said in array(&attempt["conversation"]) {
        let mark = match text(&said["by"]) {
            "client" => '>',
            "server" => '<',
            _ => '*',
        };
        let at = text(&said["at"]);
        let at = at.split_once('T').map_or(at, |(_, time)| time);
        let at = at.get(..12).unwrap_or(at.trim_end_matches('Z'));
        for line in text(&said["text"]).lines() {
            let _ = writeln!(out, "  {at:<12} {mark} {line}");
        }
    }
    if let Some(octets @ 1..) = attempt["left_out"].as_u64() {
        let _ = writeln!(out, "  ({octets} octets of it were not kept)");
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_line_has_its_time_and_who_has_said_it() {
        let said = |at: &str, by: &str, text: &str| json!({"at": at, "by": by, "text": text});
        let attempt = json!({
            "tls": {"version": "TLSv1.3", "cipher": "TLS_AES_128_GCM_SHA256", "verified": "dane"},
            "conversation": [
                said("2000-01-01T01:02:03.123456Z", "event", "connected"),
                said("2000-01-01T01:02:04Z", "client", "MAIL FROM:<>\nRCPT TO:<a@b>"),
                said("2000-01-01T01:02:05.5Z", "server", "550 5.1.1 no"),
            ],
            "left_out": 7,
        });
        let expected = "  TLS: TLSv1.3, TLS_AES_128_GCM_SHA256, dane
  01:02:03.123 * connected
  01:02:04     > MAIL FROM:<>
  01:02:04     > RCPT TO:<a@b>
  01:02:05.5   < 550 5.1.1 no
  (7 octets of it were not kept)
";
        assert_eq!(told(&attempt), expected);
        assert_eq!(told(&json!({"left_out": 0})), "");
    }
}
