//! The tokens of a list of addresses.

use std::borrow::Cow;

use crate::beginning::beginning;

use super::ats::{bracketed, without_scheme};

/// How many unclosed quotes and comments are searched for their end: each search goes to the end of
/// the text.
const MAX_UNCLOSED: u8 = 8;

/// The maximum length of an address in brackets, in octets; RFC 5321 section 4.5.3.1 allows less.
const MAX_IN_BRACKETS: usize = 400;

/// A text that is read character by character.
pub(super) struct Cursor<'a> {
    pub(super) rest: &'a str,
    unclosed: u8,
}

impl<'a> Cursor<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self {
            rest: text,
            unclosed: 0,
        }
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    /// That many octets, extended to the end of a character.
    pub(super) fn take(&mut self, octets: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(octets);
        self.rest = rest;
        taken
    }

    /// A quoted string with its quotes, and its content; the cursor is after the first quote.
    /// `None` if it is unclosed.
    pub(super) fn quoted(&mut self) -> Option<(String, String)> {
        let start = self.start()?;
        let (mut raw, mut text) = (String::from('"'), String::new());
        while let Some(c) = self.next() {
            raw.push(c);
            match c {
                '"' => return Some((raw, text)),
                '\\' => {
                    if let Some(c) = self.next() {
                        raw.push(c);
                        text.push(c);
                    }
                }
                c => text.push(c),
            }
        }
        self.give_up(start)
    }

    /// The content of a comment, including nested comments; the cursor is after the first
    /// parenthesis. `None` if it is unclosed.
    pub(super) fn comment(&mut self) -> Option<String> {
        let start = self.start()?;
        let (mut text, mut depth) = (String::new(), 1_usize);
        while let Some(c) = self.next() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(text);
            }
            text.extend(if c == '\\' { self.next() } else { Some(c) });
        }
        self.give_up(start)
    }

    fn start(&self) -> Option<&'a str> {
        (self.unclosed < MAX_UNCLOSED).then_some(self.rest)
    }

    fn give_up<T>(&mut self, start: &'a str) -> Option<T> {
        self.rest = start;
        self.unclosed += 1;
        None
    }

    /// A literal such as `[192.0.2.1]`; the cursor is before the first bracket. If it is unclosed,
    /// as far as it may be a literal.
    pub(super) fn literal(&mut self) -> &'a str {
        if let Some(whole) = self.whole_literal() {
            return whole;
        }
        let end = self.rest.find([']', ',', ';', '<', '>', ' ']);
        let end = end.map_or(self.rest.len(), |end| {
            end + usize::from(self.rest[end..].starts_with(']'))
        });
        self.take(end)
    }

    /// A closed literal that contains only characters of hosts and blanks: RFC 5322 section 3.4.1.
    pub(super) fn whole_literal(&mut self) -> Option<&'a str> {
        let inner = beginning(self.rest, MAX_IN_BRACKETS).strip_prefix('[')?;
        let end = inner.find(['[', ']', ',', ';', '<', '>', '@', '"', '('])?;
        inner[end..].starts_with(']').then(|| self.take(end + 2))
    }

    /// The address in brackets, as in `[a@example.com]` and `[SMTP:a@example.com]`, if the brackets
    /// end an entry of the list; the cursor is before the first bracket.
    pub(super) fn in_brackets(&mut self) -> Option<&'a str> {
        let beginning = beginning(self.rest, MAX_IN_BRACKETS);
        let end = beginning.find(']')?;
        let (address, rest) = (&self.rest[1..end], &self.rest[end + 1..]);
        if address.contains(['[', ',', ';', '<', '>', ' ', '"']) {
            return None;
        }
        let is_last = matches!(
            rest.trim_start().as_bytes().first(),
            None | Some(b',' | b';')
        );
        let address = without_scheme(address);
        (is_last && address.contains('@')).then(|| {
            self.rest = rest;
            address
        })
    }

    /// The content between `<` and `>` without a source route and without meaningless blanks and
    /// comments; the cursor is after the `<`.
    ///
    /// If the `>` is missing, the content ends after an address, before the first character that
    /// cannot be part of one.
    pub(super) fn angle(&mut self) -> String {
        let is_route = self.rest.trim_start().starts_with('@');
        let mut address = String::new();
        let (mut has_at, mut is_after_blank) = (false, false);
        while let Some(c) = self.rest.chars().next() {
            if has_at && !is_route && matches!(c, ',' | ';' | '<') {
                break;
            }
            if c == '[' {
                address.push_str(&without_blanks(self.literal()));
                continue;
            }
            let before = self.rest;
            self.next();
            match c {
                '>' => break,
                // What precedes it was not an address.
                '<' => address.clear(),
                ' ' => is_after_blank = true,
                '(' if self.comment().is_some() => is_after_blank = true,
                c => {
                    let is_one =
                        address.is_empty() || c == '@' || address.ends_with(['@', '.']) || c == '.';
                    if std::mem::take(&mut is_after_blank) && !is_one {
                        if has_at && !is_route {
                            self.rest = before;
                            break;
                        }
                        address.push(' ');
                    }
                    has_at |= c == '@';
                    match (c == '"').then(|| self.quoted()).flatten() {
                        Some((raw, _)) => address.push_str(&raw),
                        None => address.push(c),
                    }
                }
            }
        }
        if let Some(inner) = bracketed(&address) {
            return inner.to_owned();
        }
        match address.split_once(':') {
            Some((route, address)) if route.starts_with('@') => address.to_owned(),
            _ => without_scheme(&address).to_owned(),
        }
    }
}

/// A literal as it is written in an address.
pub(super) fn without_blanks(literal: &str) -> Cow<'_, str> {
    match literal.contains(' ') {
        true => literal.replace(' ', "").into(),
        false => literal.into(),
    }
}
