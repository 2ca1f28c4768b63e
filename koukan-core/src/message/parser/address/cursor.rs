//! The pieces of a list of addresses.

/// A text that is read character by character.
pub(super) struct Cursor<'a> {
    pub(super) rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    /// So many octets, up to the end of a character.
    pub(super) fn take(&mut self, octets: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(octets);
        self.rest = rest;
        taken
    }

    /// A quoted string with its quotes, and what it says; after its first quote.
    pub(super) fn quoted(&mut self) -> (String, String) {
        let (mut raw, mut text) = (String::from('"'), String::new());
        while let Some(c) = self.next() {
            raw.push(c);
            match c {
                '"' => break,
                '\\' => {
                    if let Some(c) = self.next() {
                        raw.push(c);
                        text.push(c);
                    }
                }
                c => text.push(c),
            }
        }
        (raw, text)
    }

    /// What a comment says, after its first parenthesis; comments in it are part of it.
    pub(super) fn comment(&mut self) -> String {
        let (mut text, mut depth) = (String::new(), 1_usize);
        while let Some(c) = self.next() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            text.extend(if c == '\\' { self.next() } else { Some(c) });
        }
        text
    }

    /// A literal such as `[192.0.2.1]`, before its first bracket.
    pub(super) fn literal(&mut self) -> &'a str {
        let end = self.rest.find(']').map_or(self.rest.len(), |end| end + 1);
        self.take(end)
    }

    /// What stands between `<` and `>`, after the `<`, without a source route and without blanks
    /// that mean nothing. Where the `>` is missing it ends before a comma, once there was an
    /// address.
    pub(super) fn angle(&mut self) -> String {
        let is_route = self.rest.trim_start().starts_with('@');
        let mut address = String::new();
        let (mut has_at, mut is_after_blank) = (false, false);
        while let Some(c) = self.rest.chars().next() {
            if c == ',' && has_at && !is_route {
                break;
            }
            if c == '[' {
                address.push_str(self.literal());
                continue;
            }
            self.next();
            match c {
                '>' => break,
                '<' => {}
                '(' => drop(self.comment()),
                ' ' => is_after_blank = true,
                c => {
                    let is_one =
                        address.is_empty() || c == '@' || address.ends_with(['@', '.']) || c == '.';
                    if std::mem::take(&mut is_after_blank) && !is_one {
                        address.push(' ');
                    }
                    has_at |= c == '@';
                    match c {
                        '"' => address.push_str(&self.quoted().0),
                        c => address.push(c),
                    }
                }
            }
        }
        match address.split_once(':') {
            Some((route, address)) if route.starts_with('@') => address.to_owned(),
            Some((scheme, address)) if scheme.eq_ignore_ascii_case("mailto") => address.to_owned(),
            _ => address,
        }
    }
}
