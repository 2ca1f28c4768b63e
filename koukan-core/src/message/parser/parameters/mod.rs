//! Values with parameters: RFC 2045 section 5.1, RFC 2231, and common deviations.
//!
//! mail-parser reads `text/plain charset=x` as one long subtype, decodes an encoded word in a
//! boundary, and joins two parameters that have no semicolon between them.

mod pieces;
mod value;

use std::collections::BTreeMap;

use super::{charset, comments::without_comments, encoded_word, transfer};

use self::{
    pieces::{Pieces, split_name},
    value::{file_name, unquote, unwrapped, value, without_names},
};

/// How many parameters of a field are read.
const MAX_PARAMETERS: usize = 200;
/// The maximum number of alternative boundaries: the whole body is searched for each.
const MAX_OTHER_BOUNDARIES: usize = 8;

/// A value such as `text/plain; charset=utf-8`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct WithParameters {
    /// The value before the parameters, in lower case.
    pub(in super::super) value: String,
    /// By name, in lower case.
    pub(super) parameters: BTreeMap<String, String>,
    /// Alternatives for a boundary that is not written correctly.
    pub(super) other_boundaries: Vec<Vec<u8>>,
}

impl WithParameters {
    pub(in super::super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// The possible boundaries, most likely first.
    pub(in super::super) fn boundaries(&self) -> impl Iterator<Item = &[u8]> {
        let others = self.other_boundaries.iter().map(Vec::as_slice);
        let first = self.parameter("boundary").map(str::as_bytes);
        let all = first.into_iter().chain(others);
        all.filter(|boundary| !boundary.is_empty())
    }
}

/// Parses the value of a field, given on one line.
pub(super) fn parse(text: &str) -> WithParameters {
    let text = without_names(text);
    let first = match text.trim_start().as_bytes().first() {
        Some(b'<') if text.find('>') == text.rfind('>') => {
            let end = text.find('>').map_or(text.len(), |end| end + 1);
            &text[..end]
        }
        Some(b'"' | b'=') => Pieces::of(text).next().unwrap_or_default(),
        _ => "",
    };
    match unwrapped(first) {
        // A parameter may follow without a semicolon.
        Some(inner) => parse_bare(&format!("{inner};{}", &text[first.len()..])),
        None => parse_bare(text),
    }
}

fn parse_bare(text: &str) -> WithParameters {
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
        let value = match &*name {
            "name" | "filename" => file_name(raw),
            // No charset has a comma in its name: another value follows.
            "charset" => {
                let value = unquote(without_comments(raw).trim());
                value.split(',').next().unwrap_or_default().to_owned()
            }
            _ => unquote(without_comments(raw).trim()),
        };
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
    /// The first boundary counts, and an apparent encoded word in it is literal, as it is in the
    /// delimiters. Alternatives are tried if the delimiters do not contain it.
    fn boundary(&mut self, value: String, raw: &str) {
        let value = charset::one_line(&value);
        let raw = raw.trim();
        let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.=+/".contains(&octet);
        let is_plain = raw.trim_matches('"').bytes().all(is_plain) && !value.starts_with("--");
        if is_plain && !self.parameters.contains_key("boundary") {
            self.parameters.insert("boundary".into(), value);
            return;
        }
        let bare = value.trim_matches(|c| "'<>,;:".contains(c));
        let word = value.split([',', ';', ' ']).next();
        let others = [
            Some(encoded_word::decode(&value)),
            (raw.contains('(') && !raw.starts_with('"')).then(|| raw.to_owned()),
            Some(bare.to_owned()),
            word.map(str::to_owned),
            value.strip_prefix("--").map(str::to_owned),
        ];
        let mut all = vec![value];
        all.extend(others.into_iter().flatten());
        if !self.parameters.contains_key("boundary") {
            self.parameters.insert("boundary".into(), all.remove(0));
        }
        for other in all {
            self.other_boundary(other.into_bytes());
        }
    }

    /// Adds an alternative boundary, unless there are enough.
    pub(super) fn other_boundary(&mut self, other: Vec<u8>) {
        let first = self.parameter("boundary").map(str::as_bytes);
        let is_known = first == Some(&other) || self.other_boundaries.contains(&other);
        if !is_known && !other.is_empty() && self.other_boundaries.len() < MAX_OTHER_BOUNDARIES {
            self.other_boundaries.push(other);
        }
    }
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
            // Without semicolons, or with another character instead.
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
            // With comments around the name.
            ("a/b; charset(c)=(c)x", "a/b", "charset", Some("x")),
            ("a/b;(c) charset (d=e) =x", "a/b", "charset", Some("x")),
            // With marks other than a semicolon.
            ("a/b: charset=x", "a/b", "charset", Some("x")),
            ("a/b,charset=x", "a/b", "charset", Some("x")),
            ("a/b:charset=\"x\", c/d", "a/b", "charset", Some("x")),
            ("a/b; charset=x, c/d", "a/b", "charset", Some("x")),
            // The name of the field repeated in it, or the whole value within quotes or brackets.
            ("Content-Type: a/b; c=d", "a/b", "c", Some("d")),
            (
                "content-type : Content-Type:a/b; c=d",
                "a/b",
                "c",
                Some("d"),
            ),
            ("\"a/b; c=d\"; e=f", "a/b", "c", Some("d")),
            ("\"a/b; c=d\"; e=f", "a/b", "e", Some("f")),
            ("\"a/b; c=d\" name=f", "a/b", "c", Some("d")),
            ("\"a/b; c=d\" name=f", "a/b", "name", Some("f")),
            ("\"a/b\"; c=d", "a/b", "c", Some("d")),
            ("=?utf-8?q?a/b=3B_c=3Dd?= name=f", "a/b", "c", Some("d")),
            ("=?utf-8?q?a/b=3B_c=3Dd?= name=f", "a/b", "name", Some("f")),
            ("<a/b; c=d>; e=f", "a/b", "c", Some("d")),
            ("<a/b; c=d> e=f", "a/b", "e", Some("f")),
            ("<a/b; c=d> name=f", "a/b", "name", Some("f")),
            ("<a/b; c=\"d>\">; e=f", "a/b", "e", Some("f")),
            ("\"a/b; c=\\\"d;\\\"\"", "a/b", "c", Some("d;")),
            ("\"a/b; c=d", "a/b", "c", Some("d")),
            ("<a/b; c=d>", "a/b", "c", Some("d")),
            ("=?utf-8?q?a/b=3B_c=3Dd?=", "a/b", "c", Some("d")),
            // Names of files with parentheses.
            (
                "a/b; name=my report (1).pdf; c=d",
                "a/b",
                "name",
                Some("my report (1).pdf"),
            ),
            ("a/b; name=my(1).pdf", "a/b", "name", Some("my(1).pdf")),
            ("a/b; name=my.pdf (a file)", "a/b", "name", Some("my.pdf")),
            ("a/b; name=(a file) my.pdf", "a/b", "name", Some("my.pdf")),
            (
                "a/b; name=\"my (1).pdf\" (c)",
                "a/b",
                "name",
                Some("my (1).pdf"),
            ),
            // Values that are not quite one word.
            ("<text/html>; a=b", "text/html", "a", Some("b")),
            ("text/html, text/plain", "text/html", "a", None),
            ("text/html:", "text/html", "a", None),
            ("text/html/x; a=b", "text/html", "a", Some("b")),
            ("attachment, x", "attachment", "a", None),
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
            ("a/b; boundary='x'", &["'x'", "x"]),
            ("a/b; boundary=x, y", &["x, y", "x"]),
            ("a/b; boundary=x,", &["x,", "x"]),
            ("a/b; boundary=\"--x\"", &["--x", "x"]),
            ("a/b; boundary=x; boundary=y; boundary=x", &["x", "y"]),
            ("a/b", &[]),
        ] {
            let parsed = parse(text);
            let boundaries = parsed.boundaries().map(String::from_utf8_lossy);
            let boundaries: Vec<_> = boundaries.collect();
            assert_eq!(boundaries, expected, "{text}");
        }
        let many: String = (0..100).map(|n| format!("; boundary='{n}'")).collect();
        let parsed = parse(&format!("a/b{many}"));
        assert_eq!(parsed.boundaries().count(), 1 + MAX_OTHER_BOUNDARIES);
    }
}
