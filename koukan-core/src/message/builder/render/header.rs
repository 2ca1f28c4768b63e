//! The header fields of a message.

use super::{
    super::{
        limits::MAX_WORD,
        spec::{Address, Grammar, Header, HeaderValue, Spec, write_date},
    },
    encoded_word,
    field::Field,
    structured,
};

/// The maximum number of consecutive spaces that are left as they are.
const MAX_SPACES: usize = 16;
/// The maximum length of a quoted name, in octets; a longer one becomes encoded words, which can be
/// folded.
const MAX_QUOTED: usize = 64;

/// Writes the fields of a spec, except bcc and resent-bcc.
pub(super) fn fields(spec: &Spec) -> String {
    let headers = spec.headers().iter();
    headers
        .filter(|header| !header.is_envelope_only())
        .map(field)
        .collect()
}

/// A field that holds text, in ASCII.
pub(in super::super::super) fn text_field(name: &str, text: &str) -> String {
    let mut field = Field::new(name);
    add_text(&mut field, text);
    field.finish()
}

/// A field that holds one mailbox, whose name is written in ASCII.
pub(in super::super::super) fn mailbox_field(name: &str, display: &str, mailbox: &str) -> String {
    let mut field = Field::new(name);
    add_name(&mut field, display);
    field.word(&format!("<{mailbox}>"));
    field.finish()
}

fn add_text(field: &mut Field, text: &str) {
    match is_plain(text) {
        true => add_plain(field, text),
        false => encoded_word::add(field, text),
    }
}

fn field(header: &Header) -> String {
    let mut field = Field::new(header.name());
    match header.value() {
        HeaderValue::Addresses(addresses) => {
            for (number, address) in addresses.iter().enumerate() {
                if number > 0 {
                    field.append(",");
                }
                add_address(&mut field, address);
            }
        }
        HeaderValue::Date {
            unix_secs,
            tz_offset,
        } => {
            // It was checked when it was read.
            field.word(&write_date(*unix_secs, *tz_offset).unwrap_or_default());
        }
        HeaderValue::Ids(ids) => {
            for id in ids {
                field.word(&format!("<{id}>"));
            }
        }
        HeaderValue::Text(text) => match header.grammar() {
            Grammar::Text => add_text(&mut field, text),
            grammar => structured::add(&mut field, text, grammar),
        },
    }
    field.finish()
}

/// Whether a text can appear in a field unencoded and is read back unchanged.
fn is_plain(text: &str) -> bool {
    let is_printable = text.bytes().all(|octet| (b' '..=b'~').contains(&octet));
    is_printable
        && !text.contains("=?")
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && !text.contains(&" ".repeat(MAX_SPACES + 1))
        && text.split(' ').all(|word| word.len() <= MAX_WORD)
}

fn add_plain(field: &mut Field, text: &str) {
    let mut rest = text;
    let mut spaces = " ";
    while !rest.is_empty() {
        let end = rest.find(' ').unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        field.word_after(spaces, word);
        rest = tail.trim_start_matches(' ');
        spaces = &tail[..tail.len() - rest.len()];
    }
}

fn add_address(field: &mut Field, address: &Address) {
    let mailbox = address.address();
    match address.display_name() {
        Some(name) => {
            add_name(field, name);
            field.word(&format!("<{mailbox}>"));
        }
        None if mailbox.as_str().starts_with('"') => {
            field.word(&format!("<{mailbox}>"));
        }
        None => {
            field.word(mailbox.as_str());
        }
    }
}

fn add_name(field: &mut Field, name: &str) {
    let is_atom = |word: &str| {
        let is_atext = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
        !word.is_empty() && word.chars().all(is_atext)
    };
    if !is_plain(name) || name.len() > MAX_QUOTED {
        encoded_word::add(field, name);
    } else if name.split(' ').all(is_atom) {
        name.split(' ').for_each(|word| {
            field.word(word);
        });
    } else {
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        field.word(&format!("\"{quoted}\""));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rendered(name: &str, value: Value) -> String {
        fields(&Spec::from_json(&json!({"headers": [[name, value]]})).unwrap())
    }

    #[test]
    fn names_are_atoms_or_quoted_or_encoded() {
        for (name, expected) in [
            ("Alice A", "Alice A <a@x>"),
            ("A. Lice", "\"A. Lice\" <a@x>"),
            ("a \"b\" \\", "\"a \\\"b\\\" \\\\\" <a@x>"),
            ("a@b, c", "\"a@b, c\" <a@x>"),
            ("Jörg Schmidt", "=?utf-8?Q?J=C3=B6rg_Schmidt?= <a@x>"),
            ("=?utf-8?q?x?=", "=?utf-8?B?PT91dGYtOD9xP3g/PQ==?= <a@x>"),
            (" ", "a@x"),
        ] {
            let value = json!([{"display_name": name, "address": "a@x"}]);
            assert_eq!(rendered("from", value), format!("From: {expected}\r\n"));
        }
        let quoted = json!({"address": "\"a b\"@x"});
        assert_eq!(rendered("to", quoted), "To: <\"a b\"@x>\r\n");
    }

    #[test]
    fn what_is_not_ascii_is_written_by_the_grammar_of_the_field() {
        let long = format!("<https://example.com/?{}>", "a=?b&".repeat(100));
        for (name, value, expected) in [
            (
                "resent-to",
                "Jörg, K <j@x>, \"a, b\" <c@d>",
                "Resent-To: =?utf-8?B?SsO2cmcsIEs=?= <j@x>, \"a, b\" <c@d>",
            ),
            ("errors-to", "nobody at all", "Errors-To: nobody at all"),
            ("resent-cc", "g: a@x, b@x;", "Resent-Cc: g: a@x, b@x;"),
            (
                "disposition-notification-to",
                "Ü <u@x>",
                "Disposition-Notification-To: =?utf-8?B?w5w=?= <u@x>",
            ),
            (
                "list-id",
                "Grüße an alle <list.example.com>",
                "List-ID: =?utf-8?B?R3LDvMOfZQ==?= an alle <list.example.com>",
            ),
            (
                "list-id",
                "\"Grüße, \\\"alle\\\"\" <l.x>",
                "List-ID: =?utf-8?B?R3LDvMOfZSwgImFsbGUi?= <l.x>",
            ),
            (
                "list-unsubscribe",
                "<mailto:a@x?subject=weg>,<https://x/ü?a=?b> (Grüße (an) alle)",
                "List-Unsubscribe: <mailto:a@x?subject=weg>,<https://x/%C3%BC?a=?b>\r\n \
                 (=?utf-8?B?R3LDvMOfZSAoYW4pIGFsbGU=?=)",
            ),
            ("list-post", &long, &format!("List-Post: {long}")),
            (
                "keywords",
                "grün, blau",
                "Keywords: =?utf-8?B?Z3LDvG4=?=, blau",
            ),
            (
                "content-location",
                "https://x/grün",
                "Content-Location: https://x/gr%C3%BCn",
            ),
            (
                "auto-submitted",
                "auto-replied (grün)",
                "Auto-Submitted: auto-replied (=?utf-8?B?Z3LDvG4=?=)",
            ),
            (
                "auto-submitted",
                "auto-replied; a=\"=?b\"",
                "Auto-Submitted: auto-replied; a=\"=?b\"",
            ),
            (
                "content-description",
                "grün",
                "Content-Description: =?utf-8?B?Z3LDvG4=?=",
            ),
            ("resent-message-id", "<a@b>", "Resent-Message-ID: <a@b>"),
            (
                "resent-date",
                "Wed, 6 Mar 2024 10:42:31 -0800 (PST)",
                "Resent-Date: Wed, 6 Mar 2024 10:42:31 -0800 (PST)",
            ),
            (
                "original-from",
                "Jörg <j@x>",
                "Original-From: =?utf-8?B?SsO2cmc=?= <j@x>",
            ),
            ("approved", "Ü <u@x>", "Approved: =?utf-8?B?w5w=?= <u@x>"),
            (
                "envelope-to",
                "Ü <u@x>",
                "Envelope-To: =?utf-8?B?w5w=?= <u@x>",
            ),
            ("x-original-to", "u@x, v@y", "X-Original-To: u@x, v@y"),
            ("x-sender", "Ü <ü@x>", "X-Sender: =?utf-8?B?w5w=?= <ü@x>"),
            ("x-sender", "grün", "X-Sender: =?utf-8?B?Z3LDvG4=?="),
            ("x-envelope-from", "<>", "X-Envelope-From: <>"),
            (
                "user-agent",
                "Foo/1 (grün)",
                "User-Agent: Foo/1 (=?utf-8?B?Z3LDvG4=?=)",
            ),
            (
                "x-priority",
                "1 (grün)",
                "X-Priority: 1 (=?utf-8?B?Z3LDvG4=?=)",
            ),
            ("newsgroups", "a.b,c.d", "Newsgroups: a.b,c.d"),
        ] {
            let rendered = rendered(name, value.into());
            assert_eq!(rendered, format!("{expected}\r\n"), "{name}: {value}");
        }
        let date = json!({"unix_secs": 0});
        let expected = "Resent-Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n";
        assert_eq!(rendered("resent-date", date), expected);
        let resent = json!([{"address": "a@x", "display_name": "Ä"}]);
        let expected = "Resent-From: =?utf-8?B?w4Q=?= <a@x>\r\n";
        assert_eq!(rendered("resent-from", resent.clone()), expected);
        assert_eq!(rendered("Resent-Bcc", resent), "");
    }

    #[test]
    fn text_is_folded_at_its_spaces() {
        let text = "word ".repeat(40) + "end  twice";
        let folded = rendered("subject", text.clone().into());
        assert!(folded.lines().all(|line| line.len() <= 78), "{folded}");
        assert_eq!(folded.replace("\r\n", ""), format!("Subject: {text}"));
        let long = format!("https://example.com/{}", "x".repeat(800));
        assert_eq!(
            rendered("x-url", long.clone().into()),
            format!("X-Url: {long}\r\n")
        );
        assert_eq!(rendered("x-empty", "".into()), "X-Empty:\r\n");
    }
}
