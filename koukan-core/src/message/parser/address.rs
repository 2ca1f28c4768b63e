//! Lists of addresses: RFC 5322 section 3.4, and what people make of it.

use std::{iter::Peekable, str::Chars};

use super::{charset::one_line, encoded_word};

/// A name and an address, as they were written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Addressee {
    pub(super) display_name: Option<String>,
    pub(super) address: String,
}

/// The addresses of a field; those of groups as if there were no groups.
pub(super) fn parse(text: &str) -> Vec<Addressee> {
    let mut list = Vec::new();
    let mut open = Open::default();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                let quoted = read_quoted(&mut chars);
                open.address.push_str(&quoted.0);
                open.name.push_str(&quoted.1);
            }
            '(' => open.comment = read_comment(&mut chars),
            '<' => open.angle = Some(read_angle(&mut chars)),
            ',' | ';' => open.close(&mut list),
            // The name of a group.
            ':' if !open.address.contains('@') => open = Open::default(),
            ' ' => {
                if !open.name.ends_with(' ') {
                    open.name.push(' ');
                }
            }
            c => {
                open.address.push(c);
                open.name.push(c);
            }
        }
    }
    open.close(&mut list);
    list
}

/// What was read since the last comma.
#[derive(Default)]
struct Open {
    /// As an address: with quotes, without blanks.
    address: String,
    /// As a name: without quotes, with blanks.
    name: String,
    angle: Option<String>,
    comment: String,
}

impl Open {
    fn close(&mut self, list: &mut Vec<Addressee>) {
        let open = std::mem::take(self);
        let (name, address) = match open.angle {
            Some(angle) if !open.name.trim().is_empty() => (open.name, angle),
            Some(angle) => (open.comment, angle),
            None => (open.comment, open.address),
        };
        if !address.is_empty() {
            let name = one_line(&encoded_word::decode(name.trim()));
            list.push(Addressee {
                display_name: (!name.is_empty()).then_some(name),
                address,
            });
        }
    }
}

/// A quoted string with its quotes, and what it says.
fn read_quoted(chars: &mut Peekable<Chars<'_>>) -> (String, String) {
    let (mut raw, mut text) = (String::from('"'), String::new());
    while let Some(c) = chars.next() {
        raw.push(c);
        match c {
            '"' => break,
            '\\' => {
                if let Some(c) = chars.next() {
                    raw.push(c);
                    text.push(c);
                }
            }
            c => text.push(c),
        }
    }
    (raw, text)
}

/// What a comment says; comments in it are part of it.
fn read_comment(chars: &mut Peekable<Chars<'_>>) -> String {
    let (mut text, mut depth) = (String::new(), 1_usize);
    while let Some(c) = chars.next() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        text.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    text
}

/// What stands between `<` and `>`, without a source route.
fn read_angle(chars: &mut Peekable<Chars<'_>>) -> String {
    let mut address = String::new();
    while let Some(c) = chars.next() {
        match c {
            '>' => break,
            '"' => address.push_str(&read_quoted(chars).0),
            '(' => drop(read_comment(chars)),
            ' ' => {}
            c => address.push(c),
        }
    }
    match address.split_once(':') {
        Some((route, address)) if route.starts_with('@') => address.to_owned(),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_all_forms() {
        let named = |name: &str, address: &str| Addressee {
            display_name: (!name.is_empty()).then(|| name.into()),
            address: address.into(),
        };
        for (text, expected) in [
            ("", vec![]),
            ("a@x", vec![named("", "a@x")]),
            (
                "a@x, B C <b@x>",
                vec![named("", "a@x"), named("B C", "b@x")],
            ),
            ("a@x (Alice (A) \\))", vec![named("Alice (A) )", "a@x")]),
            ("\"B, \\\"C\" <b@x>", vec![named("B, \"C", "b@x")]),
            ("\"a b\"@x", vec![named("", "\"a b\"@x")]),
            ("<\"a>b\"@x>", vec![named("", "\"a>b\"@x")]),
            ("=?utf-8?q?=C3=BC=2C?= x <a@x>", vec![named("ü, x", "a@x")]),
            (
                "g: a@x, b@x;, c@x",
                vec![named("", "a@x"), named("", "b@x"), named("", "c@x")],
            ),
            ("undisclosed-recipients:;", vec![]),
            ("A <@r,@s:a@x>", vec![named("A", "a@x")]),
            ("a @ x", vec![named("", "a@x")]),
            ("a@[IPv6:::1]", vec![named("", "a@[IPv6:::1]")]),
            ("\"open, <(", vec![named("", "\"open, <(")]),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
