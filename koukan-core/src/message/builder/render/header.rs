//! The header fields of a message.

use super::{
    super::{
        limits::MAX_WORD,
        spec::{Address, Header, HeaderValue, Spec, write_date},
    },
    encoded_word,
    field::Field,
};

/// Spaces in a row that are left as they are, at most.
const MAX_SPACES: usize = 16;
/// Octets of a quoted name, at most; a longer one is made encoded words, which can be folded.
const MAX_QUOTED: usize = 64;

/// Writes the fields of a spec, but bcc.
pub(super) fn fields(spec: &Spec) -> String {
    let headers = spec.headers().iter();
    headers
        .filter(|header| !header.is_envelope_only())
        .map(field)
        .collect()
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
        HeaderValue::Text(text) if is_plain(text) => add_plain(&mut field, text),
        HeaderValue::Text(text) => encoded_word::add(&mut field, text),
    }
    field.finish()
}

/// Whether a text can stand in a field as it is, and is read back as it is.
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
