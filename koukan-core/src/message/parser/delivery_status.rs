//! The content of a message/delivery-status: RFC 3464, RFC 6533.

mod value;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::entity::Entity;

use self::value::Kind;

/// The maximum number of recipients.
const MAX_RECIPIENTS: usize = 1000;
/// How many of its octets are read.
const MAX_OCTETS: usize = 1 << 20;

/// The fields about the message: their names, their names in JSON, and their kinds.
const MESSAGE: [(&str, &str, Kind); 5] = [
    ("original-envelope-id", "original_envelope_id", Kind::Text),
    ("reporting-mta", "reporting_mta", Kind::Host),
    ("dsn-gateway", "dsn_gateway", Kind::Host),
    ("received-from-mta", "received_from_mta", Kind::Host),
    ("arrival-date", "arrival_date", Kind::Date),
];
/// The fields about a recipient.
const RECIPIENT: [(&str, &str, Kind); 10] = [
    ("original-recipient", ORIGINAL, Kind::Address),
    ("final-recipient", FINAL, Kind::Address),
    ("action", "action", Kind::Word),
    ("status", "status", Kind::Status),
    ("remote-mta", "remote_mta", Kind::Host),
    ("diagnostic-code", "diagnostic", Kind::Diagnostic),
    ("last-attempt-date", "last_attempt_date", Kind::Date),
    ("final-log-id", "final_log_id", Kind::Text),
    ("will-retry-until", "will_retry_until", Kind::Date),
    ("localized-diagnostic", "localized_diagnostic", Kind::Text),
];
const ORIGINAL: &str = "original_recipient";
const FINAL: &str = "final_recipient";

/// Whether a media type is that of a delivery status.
pub(super) fn is(media_type: &str) -> bool {
    matches!(
        media_type,
        "message/delivery-status" | "message/global-delivery-status"
    )
}

/// The content of a delivery status; `None` if it has no recipient.
///
/// Empty lines separate the recipients. If one is missing, the next address begins the next
/// recipient; if there is one too many, a group without an address belongs to the recipient before
/// it. Of two fields with the same name the first counts.
pub(super) fn parse(octets: &Bytes) -> Option<Value> {
    let mut message = Map::new();
    let mut recipients: Vec<Recipient> = Vec::new();
    let mut rest = octets.slice(..octets.len().min(MAX_OCTETS));
    while !rest.is_empty() && recipients.len() <= MAX_RECIPIENTS {
        let length = rest.len();
        let entity = Entity::split(rest, MAX_OCTETS);
        let mut group = Vec::new();
        for field in &entity.fields {
            let find = |known: &&(&str, &str, Kind)| known.0 == field.name;
            if let Some((_, key, kind)) = MESSAGE.iter().find(find) {
                insert(&mut message, key, *kind, &field.line());
            } else if let Some((_, key, kind)) = RECIPIENT.iter().find(find) {
                group.push((*key, *kind, field.line()));
            }
        }
        add_group(&mut recipients, &group);
        rest = entity.body;
        // A line that is not a field is skipped.
        if rest.len() == length {
            let end = memchr::memchr(b'\n', &rest).map_or(length, |end| end + 1);
            rest = rest.slice(end..);
        }
    }
    if recipients.iter().any(has_address) {
        recipients.retain(has_address);
    }
    recipients.truncate(MAX_RECIPIENTS);
    if recipients.is_empty() {
        return None;
    }
    let recipients: Vec<Value> = recipients.into_iter().map(Value::Object).collect();
    message.insert("recipients".into(), recipients.into());
    Some(message.into())
}

type Recipient = Map<String, Value>;

/// Adds the fields between two empty lines.
fn add_group(recipients: &mut Vec<Recipient>, group: &[(&str, Kind, String)]) {
    let is_address = |key: &str| matches!(key, ORIGINAL | FINAL);
    let goes_on = !group.iter().any(|(key, ..)| is_address(key));
    let before = recipients.pop_if(|_| goes_on);
    let mut recipient = before.unwrap_or_default();
    for (position, (key, kind, line)) in group.iter().enumerate() {
        let mut others = group[position + 1..].iter();
        let next = others.next().map(|(key, ..)| *key);
        let is_next = match *key {
            FINAL => recipient.contains_key(FINAL),
            // Some programs write the original address after the final one.
            ORIGINAL => {
                recipient.contains_key(ORIGINAL)
                    || recipient.contains_key(FINAL) && next == Some(FINAL)
            }
            _ => false,
        };
        if is_next {
            recipients.push(std::mem::take(&mut recipient));
        }
        insert(&mut recipient, key, *kind, line);
    }
    if !recipient.is_empty() {
        recipients.push(recipient);
    }
}

fn has_address(recipient: &Recipient) -> bool {
    recipient.contains_key(ORIGINAL) || recipient.contains_key(FINAL)
}

/// Inserts a value, if it is valid and the first with its name.
fn insert(into: &mut Map<String, Value>, key: &str, kind: Kind, line: &str) {
    let value = kind.read(line);
    if value.as_str() != Some("") {
        into.entry(key).or_insert(value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn recipients_are_told_apart() {
        let text = "Reporting-MTA: dns; mx.example.com\r\n\
            Arrival-Date: Wed, 6 Mar 2024 10:42:31 -0800\r\n\
            \r\n\
            Original-Recipient: rfc822;bob+x@example.net\r\n\
            Final-Recipient: RFC822; <bob@example.net>\r\n\
            Action: Failed (bounced)\r\n\
            Status: 5.1.1 (no such user)\r\n\
            Remote-MTA: dns; mx.example.net\r\n\
            Diagnostic-Code: smtp; 550 5.1.1\r\n no such user\r\n\
            \r\n\
            Final-Recipient: x400; /c=us/\r\n\
            Action: delayed\r\n\
            Diagnostic-Code: X-Unix; 1\r\n\
            Will-Retry-Until: soon\r\n\
            \r\n";
        let expected = json!({
            "reporting_mta": "mx.example.com",
            "arrival_date": {"unix_secs": 1_709_750_551, "tz_offset": -28_800},
            "recipients": [
                {
                    "original_recipient": "bob+x@example.net",
                    "final_recipient": "bob@example.net",
                    "action": "failed",
                    "status": "5.1.1",
                    "remote_mta": "mx.example.net",
                    "diagnostic": "550 5.1.1 no such user",
                },
                {
                    "final_recipient": "x400; /c=us/",
                    "action": "delayed",
                    "diagnostic": "X-Unix; 1",
                    "will_retry_until": "soon",
                },
            ],
        });
        assert_eq!(parse(&text.into()), Some(expected));
    }

    #[test]
    fn empty_lines_may_be_missing_or_too_many() {
        for text in [
            "Reporting-MTA: dns; x\nFinal-Recipient: rfc822; a@x\nAction: failed\n\
             Final-Recipient: rfc822; b@x\nAction: failed\n",
            "\n\nReporting-MTA: dns; x\n\n\n\nFinal-Recipient: rfc822; a@x\nAction: failed\n\
             \n\nFinal-Recipient: rfc822; b@x\nAction: failed\n\n\n",
            "Reporting-MTA: dns; x\n\nno field\n\nFinal-Recipient: rfc822; a@x\nAction: failed\n\
             no field\nFinal-Recipient: rfc822; b@x\nAction: failed\n",
        ] {
            let expected = json!({"reporting_mta": "x", "recipients": [
                {"final_recipient": "a@x", "action": "failed"},
                {"final_recipient": "b@x", "action": "failed"},
            ]});
            assert_eq!(parse(&text.into()), Some(expected), "{text}");
        }
        for text in ["", "\r\n", "no field", "Reporting-MTA: dns; x\r\n"] {
            assert_eq!(parse(&text.into()), None, "{text}");
        }
    }

    #[test]
    fn no_recipient_is_invented() {
        let one = json!([{"original_recipient": "o@x", "final_recipient": "a@x",
            "action": "failed", "status": "5.1.1", "diagnostic": "550 first"}]);
        let two = json!([
            {"original_recipient": "o@x", "final_recipient": "a@x", "action": "failed"},
            {"original_recipient": "p@x", "final_recipient": "b@x", "action": "delayed"},
        ]);
        for (text, expected) in [
            // A repeated field.
            (
                "Original-Recipient: rfc822; o@x\nFinal-Recipient: rfc822; a@x\nAction: failed\n\
                 Status: 5.1.1\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 first\n\
                 Diagnostic-Code: smtp; 550 second\nAction: delayed\n",
                &one,
            ),
            // An extra empty line.
            (
                "Original-Recipient: rfc822; o@x\nFinal-Recipient: rfc822; a@x\n\n\
                 Action: failed\nStatus: 5.1.1\n\nDiagnostic-Code: smtp; 550 first\n",
                &one,
            ),
            // The final address first.
            (
                "Final-Recipient: rfc822; a@x\nOriginal-Recipient: rfc822; o@x\nAction: failed\n\
                 Status: 5.1.1\nDiagnostic-Code: smtp; 550 first\n",
                &one,
            ),
            (
                "Final-Recipient: rfc822; a@x\nAction: failed\nStatus: 5.1.1\n\
                 Diagnostic-Code: smtp; 550 first\nOriginal-Recipient: rfc822; o@x\n",
                &one,
            ),
            // A missing empty line.
            (
                "Original-Recipient: rfc822; o@x\nFinal-Recipient: rfc822; a@x\nAction: failed\n\
                 Original-Recipient: rfc822; p@x\nFinal-Recipient: rfc822; b@x\nAction: delayed\n",
                &two,
            ),
            (
                "Final-Recipient: rfc822; a@x\nOriginal-Recipient: rfc822; o@x\nAction: failed\n\
                 Final-Recipient: rfc822; b@x\nOriginal-Recipient: rfc822; p@x\nAction: delayed\n",
                &two,
            ),
            (
                "Final-Recipient: rfc822; a@x\nAction: failed\nX-Other: y\n\
                 Original-Recipient: rfc822; p@x\nFinal-Recipient: rfc822; b@x\n",
                &json!([
                    {"final_recipient": "a@x", "action": "failed"},
                    {"original_recipient": "p@x", "final_recipient": "b@x"},
                ]),
            ),
            // Without the final addresses.
            (
                "Original-Recipient: rfc822; o@x\nAction: failed\n\
                 Original-Recipient: rfc822; p@x\nAction: delayed\n",
                &json!([
                    {"original_recipient": "o@x", "action": "failed"},
                    {"original_recipient": "p@x", "action": "delayed"},
                ]),
            ),
            (
                "Original-Recipient: rfc822; o@x\nOriginal-Recipient: rfc822; p@x\n\
                 Final-Recipient: rfc822; b@x\nAction: failed\n",
                &json!([
                    {"original_recipient": "o@x"},
                    {"original_recipient": "p@x", "final_recipient": "b@x", "action": "failed"},
                ]),
            ),
            // Without any address.
            ("Action: failed\n", &json!([{"action": "failed"}])),
            (
                "Status: 5.0.0\n\nFinal-Recipient: rfc822; a@x\n",
                &json!([{"final_recipient": "a@x"}]),
            ),
        ] {
            for head in ["", "Reporting-MTA: dns; x\n", "Reporting-MTA: dns; x\n\n"] {
                let found = parse(&format!("{head}{text}").into()).unwrap();
                assert_eq!(found["recipients"], *expected, "{head}{text}");
            }
        }
    }
}
