//! Values with parameters: RFC 2045 section 5.1, RFC 2231.

use std::collections::BTreeMap;

use super::{charset, encoded_word, transfer};

/// Parameters of a field that are looked at.
const MAX_PARAMETERS: usize = 200;

/// A value such as `text/plain; charset=utf-8`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct WithParameters {
    /// What stands before the parameters, in lower case.
    pub(super) value: String,
    /// By name, in lower case.
    pub(super) parameters: BTreeMap<String, String>,
}

impl WithParameters {
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }
}

/// Parses the value of a field, which is one line.
pub(super) fn parse(text: &str) -> WithParameters {
    let mut pieces = Pieces(text);
    let value = pieces.next().unwrap_or_default();
    let mut plain = BTreeMap::new();
    let mut sections: BTreeMap<String, BTreeMap<u32, Section>> = BTreeMap::new();
    for piece in pieces.take(MAX_PARAMETERS) {
        let Some((name, value)) = piece.split_once('=') else {
            continue;
        };
        let name = name.trim().to_ascii_lowercase();
        let value = unquote(value.trim());
        match name.split_once('*') {
            None => {
                plain
                    .entry(name)
                    .or_insert_with(|| charset::one_line(&encoded_word::decode(&value)));
            }
            Some((name, section)) => {
                let is_extended = section.is_empty() || section.ends_with('*');
                let number = section.trim_end_matches('*').parse().unwrap_or(0);
                let section = Section { is_extended, value };
                let sections = sections.entry(name.to_owned()).or_default();
                sections.entry(number).or_insert(section);
            }
        }
    }
    for (name, sections) in sections {
        plain.insert(name, charset::one_line(&join(sections)));
    }
    plain.remove("");
    WithParameters {
        value: value.trim().to_ascii_lowercase(),
        parameters: plain,
    }
}

struct Section {
    is_extended: bool,
    value: String,
}

fn join(sections: BTreeMap<u32, Section>) -> String {
    let mut octets = Vec::new();
    let mut charset = None;
    for (number, section) in sections {
        let mut value = &*section.value;
        if section.is_extended && (number == 0 || octets.is_empty()) {
            let mut parts = value.splitn(3, '\'');
            if let (Some(name), Some(_), Some(rest)) = (parts.next(), parts.next(), parts.next()) {
                charset = Some(name.to_owned());
                value = rest;
            }
        }
        match section.is_extended {
            true => transfer::hex(value.as_bytes(), b'%', &mut octets),
            false => octets.extend_from_slice(value.as_bytes()),
        }
    }
    charset::decode(charset.as_deref(), &octets).into_owned()
}

/// The stretches between semicolons, without comments.
struct Pieces<'a>(&'a str);

impl Iterator for Pieces<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let mut piece = String::new();
        let (mut is_quoted, mut is_escaped, mut comments) = (false, false, 0_usize);
        for (position, c) in self.0.char_indices() {
            let was_escaped = std::mem::replace(&mut is_escaped, false);
            match c {
                '\\' if !was_escaped && (is_quoted || comments > 0) => is_escaped = true,
                '"' if !was_escaped && comments == 0 => is_quoted = !is_quoted,
                '(' if !is_quoted && !was_escaped => comments += 1,
                ')' if comments > 0 && !was_escaped => {
                    comments -= 1;
                    continue;
                }
                ';' if !is_quoted && comments == 0 => {
                    self.0 = &self.0[position + 1..];
                    return Some(piece);
                }
                _ => {}
            }
            if comments == 0 {
                piece.push(c);
            }
        }
        self.0 = "";
        Some(piece)
    }
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else {
        return value.to_owned();
    };
    let mut text = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => text.extend(chars.next()),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_in_all_forms() {
        for (text, expected, name, value) in [
            ("Text/Plain", "text/plain", "x", None),
            (
                "text/plain; Charset=UTF-8 (c;c)",
                "text/plain",
                "charset",
                Some("UTF-8"),
            ),
            ("a/b; name=\"a;\\\"b\"; c=d", "a/b", "name", Some("a;\"b")),
            ("a/b; name=\"a;\\\"b\"; c=d", "a/b", "c", Some("d")),
            (
                "attachment; filename*=utf-8''%C3%BC%20x",
                "attachment",
                "filename",
                Some("ü x"),
            ),
            (
                "x; filename=u; filename*=utf-8''%C3%BC",
                "x",
                "filename",
                Some("ü"),
            ),
            (
                "x; n*1*=%BC; n*0*=utf-8'en'%C3; n*2=\"%41\"",
                "x",
                "n",
                Some("ü%41"),
            ),
            ("x; n*0=a; n*1=b", "x", "n", Some("ab")),
            ("x; n*=koi8-r''%F0%D2", "x", "n", Some("Пр")),
            ("x; n=\"=?utf-8?q?=C3=BC?=\"", "x", "n", Some("ü")),
            ("x; n=a; n=b", "x", "n", Some("a")),
            ("x; n=\"open;", "x", "n", Some("open;")),
            (";;=;*=", "", "", None),
        ] {
            let parsed = parse(text);
            assert_eq!(parsed.value, expected, "{text}");
            assert_eq!(parsed.parameter(name), value, "{text}");
        }
    }
}
