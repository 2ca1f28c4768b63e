//! Values with parameters: RFC 2045 section 5.1, RFC 2231, and what people make of them.
//!
//! mail-parser reads `text/plain charset=x` as one long subtype, takes an encoded word in a
//! boundary for what it stands for, and of two parameters without a semicolon between them makes
//! one.

use std::collections::BTreeMap;

use super::{
    charset,
    comments::{Plain, without_comments},
    encoded_word, transfer,
};

/// Parameters of a field that are looked at.
const MAX_PARAMETERS: usize = 200;
/// Parameters before which a semicolon may be missing.
const KNOWN: [&str; 16] = [
    "boundary",
    "charset",
    "creation-date",
    "delsp",
    "filename",
    "format",
    "method",
    "micalg",
    "modification-date",
    "name",
    "protocol",
    "read-date",
    "report-type",
    "size",
    "start",
    "type",
];

/// A value such as `text/plain; charset=utf-8`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct WithParameters {
    /// What stands before the parameters, in lower case.
    pub(super) value: String,
    /// By name, in lower case.
    pub(super) parameters: BTreeMap<String, String>,
    /// What else the boundary may be, where it has an encoded word or a comment.
    pub(super) other_boundaries: Vec<String>,
}

impl WithParameters {
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// What the boundary may be, the most likely first.
    pub(super) fn boundaries(&self) -> impl Iterator<Item = &str> {
        let others = self.other_boundaries.iter().map(String::as_str);
        let all = self.parameter("boundary").into_iter().chain(others);
        all.filter(|boundary| !boundary.is_empty())
    }
}

/// Parses the value of a field, which is one line.
pub(super) fn parse(text: &str) -> WithParameters {
    let mut parsed = WithParameters::default();
    let mut pieces = Pieces::of(text).peekable();
    if let Some(first) = pieces.next_if(|piece| split_name(piece).is_none()) {
        parsed.value = value(first);
    }
    let mut sections: BTreeMap<String, BTreeMap<u32, Section>> = BTreeMap::new();
    for piece in pieces.take(MAX_PARAMETERS) {
        let Some((name, raw)) = split_name(piece) else {
            continue;
        };
        let name = name.to_ascii_lowercase();
        let value = unquote(without_comments(raw).trim());
        match name.split_once('*') {
            None if name == "boundary" => parsed.boundary(value, raw),
            None => {
                let entry = parsed.parameters.entry(name);
                entry.or_insert_with(|| charset::one_line(&encoded_word::decode(&value)));
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
        let value = charset::one_line(&join(sections));
        parsed.parameters.insert(name, value);
    }
    parsed.parameters.remove("");
    parsed
}

impl WithParameters {
    /// The first boundary counts. What looks like an encoded word is none: the delimiters have it.
    fn boundary(&mut self, value: String, raw: &str) {
        if self.parameters.contains_key("boundary") {
            return;
        }
        let value = charset::one_line(&value);
        let raw = Some(raw.trim()).filter(|raw| raw.contains('(') && !raw.starts_with('"'));
        let others = [Some(encoded_word::decode(&value)), raw.map(str::to_owned)];
        let others = others.into_iter().flatten();
        self.other_boundaries = others.filter(|other| *other != value).collect();
        self.parameters.insert("boundary".into(), value);
    }
}

/// The value before the parameters: one word, whose parts may have blanks around their slash.
fn value(piece: &str) -> String {
    let text = encoded_word::decode(&without_comments(piece));
    let text = text.trim_matches(|c: char| c.is_whitespace() || "\"',".contains(c));
    let mut words = text.split_whitespace();
    let mut value = words.next().unwrap_or_default().to_owned();
    for word in words {
        if !value.ends_with('/') && !word.starts_with('/') {
            break;
        }
        value.push_str(word);
    }
    value.to_ascii_lowercase()
}

/// The name of a parameter, and what follows its `=`.
fn split_name(piece: &str) -> Option<(&str, &str)> {
    let (name, value) = piece.split_once('=')?;
    let name = name.trim();
    (!name.is_empty() && name.chars().all(is_name)).then_some((name, value))
}

/// What names of parameters are made of, also those with sections.
fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.*!#$&+^`|~".contains(c)
}

struct Section {
    is_extended: bool,
    value: String,
}

fn join(sections: BTreeMap<u32, Section>) -> String {
    let mut octets = Vec::new();
    let mut charset = None;
    let is_plain = !sections.values().any(|section| section.is_extended);
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
    let text = charset::decode(charset.as_deref(), &octets);
    match is_plain {
        true => encoded_word::decode(&text),
        false => text.into_owned(),
    }
}

/// The stretches between semicolons, and those between which one is missing.
struct Pieces<'a> {
    rest: &'a str,
    is_first: bool,
}

impl<'a> Pieces<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            rest: text,
            is_first: true,
        }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let is_first = std::mem::take(&mut self.is_first);
        let mut plain = Plain::default();
        let (mut last, mut is_after_blank) = (None, false);
        for (position, c) in self.rest.char_indices() {
            let is_plain = plain.is_plain(c);
            let (piece, tail) = self.rest.split_at(position);
            if is_plain && c == ';' {
                self.rest = &tail[1..];
                return Some(piece);
            }
            if c.is_whitespace() {
                is_after_blank = is_plain;
                continue;
            }
            let is_between = is_after_blank && last.is_some_and(|last| last != '=');
            if is_plain && is_between && begins_parameter(tail, is_first) {
                self.rest = tail;
                return Some(piece);
            }
            (last, is_after_blank) = (Some(c), false);
        }
        Some(std::mem::take(&mut self.rest))
    }
}

/// Whether a parameter begins here; after the value any will do, elsewhere only a known one.
fn begins_parameter(text: &str, is_any: bool) -> bool {
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, tail) = text.split_at(end);
    let bare = name.split('*').next().unwrap_or_default();
    let is_known = || KNOWN.iter().any(|known| known.eq_ignore_ascii_case(bare));
    !bare.is_empty() && tail.trim_start().starts_with('=') && (is_any || is_known())
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
            // Without semicolons, or with something else in their place.
            ("text/plain charset=x", "text/plain", "charset", Some("x")),
            ("text/plain, charset=x", "text/plain", "charset", Some("x")),
            (
                "multipart/mixed boundary = \"a b\"",
                "multipart/mixed",
                "boundary",
                Some("a b"),
            ),
            ("a/b; charset=x format=flowed", "a/b", "charset", Some("x")),
            (
                "a/b; charset=x format=flowed",
                "a/b",
                "format",
                Some("flowed"),
            ),
            (
                "a/b; charset=\"x\" name=\"y z\"",
                "a/b",
                "name",
                Some("y z"),
            ),
            ("a/b; charset = x", "a/b", "charset", Some("x")),
            (
                "a/b; name=my file.txt; c=d",
                "a/b",
                "name",
                Some("my file.txt"),
            ),
            ("a/b; name=my x=y.txt", "a/b", "name", Some("my x=y.txt")),
            (
                "attachment filename*=utf-8''%C3%BC",
                "attachment",
                "filename",
                Some("ü"),
            ),
            ("charset=x", "", "charset", Some("x")),
            // Values that are not quite one word.
            ("\"text/html\"; a=b", "text/html", "a", Some("b")),
            ("Text / HTML ; a=b", "text/html", "a", Some("b")),
            ("text/html(c); a=b", "text/html", "a", Some("b")),
            ("text/html x; a=b", "text/html", "a", Some("b")),
            ("=?utf-8?q?text/html?=; a=b", "text/html", "a", Some("b")),
            // RFC 2231.
            (
                "a/b; boundary*0=\"a b\"; boundary*1=c",
                "a/b",
                "boundary",
                Some("a bc"),
            ),
            (
                "a/b; boundary*=us-ascii''a%20b",
                "a/b",
                "boundary",
                Some("a b"),
            ),
            (
                "x; n*0=\"=?utf-8?q?=C3\"; n*1=\"=BC?=\"",
                "x",
                "n",
                Some("ü"),
            ),
            ("x; n*0*=koi8-r''%F0; n*1*=%D2", "x", "n", Some("Пр")),
        ] {
            let parsed = parse(text);
            assert_eq!(parsed.value, expected, "{text}");
            assert_eq!(parsed.parameter(name), value, "{text}");
        }
    }
    #[test]
    fn a_boundary_is_what_it_looks_like_first() {
        for (text, expected) in [
            ("a/b; boundary=x", &["x"][..]),
            ("a/b; boundary=\"=?utf-8?q?x?=\"", &["=?utf-8?q?x?=", "x"]),
            ("a/b; boundary=x(y)", &["x", "x(y)"]),
            ("a/b; boundary=\"\"", &[]),
            ("a/b", &[]),
        ] {
            let parsed = parse(text);
            let boundaries: Vec<_> = parsed.boundaries().collect();
            assert_eq!(boundaries, expected, "{text}");
        }
    }
}
