//! The pieces between semicolons.

use std::borrow::Cow;

use super::super::comments::{Plain, find_plain, without_comments};

/// Parameters that are recognized even if the semicolon before them is missing.
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

/// The text between semicolons, or between places where one is missing.
pub(super) struct Pieces<'a> {
    rest: &'a str,
    is_first: bool,
}

impl<'a> Pieces<'a> {
    pub(super) fn of(text: &'a str) -> Self {
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
            if c.is_whitespace() || is_first && matches!(c, ',' | ':') {
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

/// Whether a parameter begins here: after the value any parameter, elsewhere only a known one.
fn begins_parameter(text: &str, is_any: bool) -> bool {
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, tail) = text.split_at(end);
    let bare = name.split('*').next().unwrap_or_default();
    let is_known = || KNOWN.iter().any(|known| known.eq_ignore_ascii_case(bare));
    !bare.is_empty() && tail.trim_start().starts_with('=') && (is_any || is_known())
}

/// The name of a parameter, and what follows its `=`.
pub(super) fn split_name(piece: &str) -> Option<(Cow<'_, str>, &str)> {
    let equals = match piece.contains('(') {
        true => find_plain(piece, '=')?,
        false => piece.find('=')?,
    };
    let (name, value) = (&piece[..equals], &piece[equals + 1..]);
    let name: Cow<'_, str> = match name.contains('(') {
        true => without_comments(name).trim().to_owned().into(),
        false => name.trim().into(),
    };
    (!name.is_empty() && name.chars().all(is_name)).then_some((name, value))
}

/// Whether a character may be in the name of a parameter, including the sections of RFC 2231.
fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.*!#$&+^`|~".contains(c)
}
