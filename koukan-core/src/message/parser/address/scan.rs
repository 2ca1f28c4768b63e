//! Splits a list of addresses into segments at commas and semicolons.

use super::{
    super::encoded_word,
    ats,
    cursor::{Cursor, without_blanks},
};

/// The text between two commas.
#[derive(Default)]
pub(super) struct Segment {
    pub(super) pieces: Vec<Piece>,
    /// It ends with a comma, so a name may continue in the next segment.
    pub(super) has_comma: bool,
}

impl Segment {
    /// Whether it begins with a word of a name that may have begun before the comma. A quoted name
    /// is quoted as a whole.
    pub(super) fn begins_with_name(&self) -> bool {
        let first = self.pieces.first();
        matches!(first, Some(Piece::Word(word)) if word.address().is_none() && !word.is_quoted())
    }

    /// Joins words that form one address although there is a blank between them: RFC 5322 section
    /// 4.4. If the segment has an address anyway, an `@` at the end of a word joins nothing.
    fn join(&mut self) {
        let is_broken = |piece: &Piece| match piece {
            Piece::Word(word) => word.raw.starts_with(['@', '.']) || word.raw.ends_with(['@', '.']),
            _ => false,
        };
        if !self.pieces.iter().any(is_broken) {
            return;
        }
        let has_address = self.pieces.iter().any(|piece| match piece {
            Piece::Angle(address) => ats::is_address(address),
            Piece::Word(word) => word.address().is_some(),
            Piece::Comment(_) => false,
        });
        let mut pieces: Vec<Piece> = Vec::with_capacity(self.pieces.len());
        // The last word that is not a comment.
        let mut last = None;
        for piece in std::mem::take(&mut self.pieces) {
            let before = last.and_then(|last: usize| pieces.get_mut(last));
            match (before, piece) {
                (_, piece @ Piece::Comment(_)) => pieces.push(piece),
                (Some(Piece::Word(before)), Piece::Word(word))
                    if are_one(before, &word.raw, has_address) =>
                {
                    before.raw.push_str(&word.raw);
                    before.text.push(' ');
                    before.text.push_str(&word.text);
                }
                (_, piece) => {
                    last = Some(pieces.len());
                    pieces.push(piece);
                }
            }
        }
        self.pieces = pieces;
    }
}

pub(super) enum Piece {
    Word(Word),
    /// The content of `<>`.
    Angle(String),
    Comment(String),
}

/// The text between two blanks.
#[derive(Debug, Clone, Default)]
pub(super) struct Word {
    /// With its quotes, without blanks that mean nothing in an address.
    pub(super) raw: String,
    /// Without quotes, with blanks.
    pub(super) text: String,
}

impl Word {
    /// The address, if the word is one.
    pub(super) fn address(&self) -> Option<&str> {
        let quotes = self
            .raw
            .strip_prefix('\'')
            .and_then(|raw| raw.strip_suffix('\''));
        let raw = quotes.unwrap_or(&self.raw);
        let at = raw.rfind('@')?;
        (at > 0 && at + 1 < raw.len()).then_some(raw)
    }

    /// Whether it can be a name without a domain in the list.
    pub(super) fn is_local(&self) -> bool {
        !self.raw.starts_with('"') && !self.raw.starts_with("=?") && !self.raw.contains('@')
    }

    fn is_quoted(&self) -> bool {
        self.raw.starts_with('"') && self.raw != self.text
    }
}

/// Splits a field into segments; names of groups are left out.
pub(super) fn segments(text: &str) -> Vec<Segment> {
    let mut scan = Scan::default();
    let mut cursor = Cursor::of(text);
    loop {
        if scan.word.is_none()
            && let Some(length) = encoded_word::length(cursor.rest)
        {
            // The marks below have no meaning inside it.
            scan.push(cursor.take(length));
            continue;
        }
        if cursor.rest.starts_with('[') {
            // There may be a blank between an address and its literal.
            let literal = match &scan.word {
                Some(word) if word.raw.ends_with('@') => Some(cursor.literal()),
                None if scan.is_after_at() => cursor.whole_literal(),
                _ => None,
            };
            if let Some(literal) = literal {
                scan.push_quoted(&without_blanks(literal), literal);
                continue;
            }
            if let Some(address) = cursor.in_brackets() {
                scan.add(Piece::Angle(address.to_owned()));
                continue;
            }
        }
        let Some(c) = cursor.next() else {
            break;
        };
        match c {
            '"' => match cursor.quoted() {
                Some((raw, text)) => scan.push_quoted(&raw, &text),
                None => scan.push("\""),
            },
            '(' => match cursor.comment() {
                Some(_) if scan.is_within(cursor.rest) => {}
                Some(comment) => scan.add(Piece::Comment(comment)),
                None => scan.push("("),
            },
            '\\' if cursor.rest.starts_with(['"', '(', ')', '\\']) => scan.push(cursor.take(1)),
            '<' => {
                let address = cursor.angle();
                scan.add(Piece::Angle(address));
            }
            ',' => scan.close(true),
            ';' => scan.close(false),
            ':' if !scan.has_at => {
                scan.word = None;
                scan.open.pieces.clear();
                scan.close(false);
            }
            '>' => scan.end_angle(),
            ' ' => scan.end_word(),
            c => scan.push(c.encode_utf8(&mut [0; 4])),
        }
    }
    scan.close(false);
    scan.found
}

#[derive(Default)]
struct Scan {
    found: Vec<Segment>,
    open: Segment,
    word: Option<Word>,
    /// The segment has contained an `@`.
    has_at: bool,
}

impl Scan {
    fn push(&mut self, text: &str) {
        self.push_quoted(text, text);
    }

    fn push_quoted(&mut self, raw: &str, text: &str) {
        let word = self.word.get_or_insert_default();
        word.raw.push_str(raw);
        word.text.push_str(text);
        self.has_at |= raw == "@";
    }

    /// Whether the word before a blank ends with an `@`.
    fn is_after_at(&self) -> bool {
        matches!(self.open.pieces.last(), Some(Piece::Word(word)) if word.raw.ends_with('@'))
    }

    /// Whether a comment before `rest` is in the middle of an address: RFC 5322 section 3.4.1.
    fn is_within(&self, rest: &str) -> bool {
        let word = self.word.as_ref();
        word.is_some_and(|word| word.raw.ends_with(['@', '.']) || rest.starts_with(['@', '.']))
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take() {
            self.open.pieces.push(Piece::Word(word));
        }
    }

    /// Ends a word with a `>` but no `<`: an address, or a normal word.
    fn end_angle(&mut self) {
        let address = self.word.as_ref().and_then(Word::address);
        match address.map(str::to_owned) {
            Some(address) => {
                self.word = None;
                self.add(Piece::Angle(address));
            }
            None => self.end_word(),
        }
    }

    fn add(&mut self, piece: Piece) {
        self.end_word();
        self.has_at |= matches!(piece, Piece::Angle(_));
        self.open.pieces.push(piece);
    }

    fn close(&mut self, has_comma: bool) {
        self.end_word();
        self.has_at = false;
        let mut segment = std::mem::take(&mut self.open);
        segment.has_comma = has_comma;
        segment.join();
        self.found.push(segment);
    }
}

fn are_one(before: &Word, after: &str, has_address: bool) -> bool {
    let is_dot = after == "." || before.text == "." || before.text.ends_with(" .");
    let is_alone = after == "@" || before.text == "@" || before.text.ends_with(" @");
    let is_at = before.raw.ends_with('@') || after.starts_with('@');
    is_dot || is_at && (is_alone || !has_address)
}
