//! What a message/delivery-status says: RFC 3464, RFC 6533.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{encoded_word, entity::Entity, fields, parameters::without_comments};

/// Recipients that are told of, at most.
const MAX_RECIPIENTS: usize = 1000;
/// Octets of it that are looked at.
const MAX_OCTETS: usize = 1 << 20;

/// The fields about the message: their names, in JSON, and what they are.
const MESSAGE: [(&str, &str, Kind); 5] = [
    ("original-envelope-id", "original_envelope_id", Kind::Text),
    ("reporting-mta", "reporting_mta", Kind::Typed("dns")),
    ("dsn-gateway", "dsn_gateway", Kind::Typed("dns")),
    ("received-from-mta", "received_from_mta", Kind::Typed("dns")),
    ("arrival-date", "arrival_date", Kind::Date),
];
/// Those about a recipient.
const RECIPIENT: [(&str, &str, Kind); 10] = [
    ("original-recipient", "original_recipient", Kind::Address),
    ("final-recipient", "final_recipient", Kind::Address),
    ("action", "action", Kind::Word),
    ("status", "status", Kind::Word),
    ("remote-mta", "remote_mta", Kind::Typed("dns")),
    ("diagnostic-code", "diagnostic", Kind::Typed("smtp")),
    ("last-attempt-date", "last_attempt_date", Kind::Date),
    ("final-log-id", "final_log_id", Kind::Text),
    ("will-retry-until", "will_retry_until", Kind::Date),
    ("localized-diagnostic", "localized_diagnostic", Kind::Text),
];

#[derive(Clone, Copy)]
enum Kind {
    Text,
    /// The first word, in lower case.
    Word,
    Date,
    /// After the type that is usual, which is left out; another one stays.
    Typed(&'static str),
    Address,
}

/// Whether a media type says so.
pub(super) fn is(media_type: &str) -> bool {
    matches!(
        media_type,
        "message/delivery-status" | "message/global-delivery-status"
    )
}

/// What the octets of one say; nothing if they name no recipient.
///
/// Empty lines divide the recipients; where one is missing, a second field of one name begins the
/// next recipient.
pub(super) fn parse(octets: &Bytes) -> Option<Value> {
    let mut message = Map::new();
    let mut recipients: Vec<Map<String, Value>> = Vec::new();
    let mut rest = octets.slice(..octets.len().min(MAX_OCTETS));
    while !rest.is_empty() {
        let length = rest.len();
        let entity = Entity::split(rest, MAX_OCTETS);
        let mut recipient = Map::new();
        for field in &entity.fields {
            let line = field.line();
            let find = |known: &&(&str, &str, Kind)| known.0 == field.name;
            if let Some((_, key, kind)) = MESSAGE.iter().find(find) {
                insert(&mut message, key, *kind, &line);
            } else if let Some((_, key, kind)) = RECIPIENT.iter().find(find) {
                if recipient.contains_key(*key) {
                    recipients.push(std::mem::take(&mut recipient));
                }
                insert(&mut recipient, key, *kind, &line);
            }
        }
        if !recipient.is_empty() {
            recipients.push(recipient);
        }
        rest = entity.body;
        // What is no field is left out.
        if rest.len() == length {
            let end = memchr::memchr(b'\n', &rest).map_or(length, |end| end + 1);
            rest = rest.slice(end..);
        }
    }
    recipients.truncate(MAX_RECIPIENTS);
    if recipients.is_empty() {
        return None;
    }
    let recipients: Vec<Value> = recipients.into_iter().map(Value::Object).collect();
    message.insert("recipients".into(), recipients.into());
    Some(message.into())
}

/// Inserts a value, if it is one and the first of its name.
fn insert(into: &mut Map<String, Value>, key: &str, kind: Kind, line: &str) {
    let value = match kind {
        Kind::Text => Some(encoded_word::decode(line).into()),
        Kind::Word => {
            let text = without_comments(line).to_ascii_lowercase();
            text.split_whitespace().next().map(Value::from)
        }
        Kind::Date => fields::date(line).or_else(|| Some(line.into())),
        Kind::Typed(usual) => Some(typed(line, &[usual]).into()),
        Kind::Address => {
            let text = typed(line, &["rfc822", "utf-8"]);
            let inner = text
                .strip_prefix('<')
                .and_then(|text| text.strip_suffix('>'));
            Some(inner.unwrap_or(text).into())
        }
    };
    let is_something = |value: &Value| value.as_str() != Some("");
    if let Some(value) = value.filter(is_something) {
        into.entry(key).or_insert(value);
    }
}

/// What follows a type and its semicolon, if it is a usual one.
fn typed<'a>(line: &'a str, usual: &[&str]) -> &'a str {
    match line.split_once(';') {
        Some((kind, text))
            if usual
                .iter()
                .any(|usual| usual.eq_ignore_ascii_case(kind.trim())) =>
        {
            text.trim()
        }
        _ => line,
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
}
