//! A list of addresses in segments, as commas and semicolons divide it.

use super::{super::encoded_word, cursor::Cursor};

/// What stands between commas.
#[derive(Default)]
pub(super) struct Segment {
    pub(super) pieces: Vec<Piece>,
    /// It ends with a comma, so that a name may go on in the next one.
    pub(super) has_comma: bool,
}

impl Segment {
    pub(super) fn begins_with_quotes(&self) -> bool {
        let first = self.pieces.first();
        matches!(first, Some(Piece::Word(word)) if word.raw.starts_with('"'))
    }
}

pub(super) enum Piece {
    Word(Word),
    /// What stands in `<>`.
    Angle(String),
    Comment(String),
}

/// What stands between blanks.
#[derive(Debug, Clone, Default)]
pub(super) struct Word {
    /// With its quotes, without blanks that mean nothing in an address.
    pub(super) raw: String,
    /// Without quotes, with blanks.
    pub(super) text: String,
}

impl Word {
    /// The address that it is.
    pub(super) fn address(&self) -> Option<&str> {
        let quotes = self
            .raw
            .strip_prefix('\'')
            .and_then(|raw| raw.strip_suffix('\''));
        let raw = quotes.unwrap_or(&self.raw);
        let at = raw.rfind('@')?;
        (at > 0 && at + 1 < raw.len()).then_some(raw)
    }

    /// Whether it can be a name in the list that has no domain.
    pub(super) fn is_local(&self) -> bool {
        !self.raw.starts_with('"') && !self.raw.starts_with("=?")
    }
}

/// Divides a field; names of groups are left out.
pub(super) fn segments(text: &str) -> Vec<Segment> {
    let mut scan = Scan::default();
    let mut cursor = Cursor { rest: text };
    loop {
        if scan.word.is_none()
            && let Some(length) = encoded_word::length(cursor.rest)
        {
            // What it contains is none of the marks below.
            scan.push(cursor.take(length));
            continue;
        }
        if cursor.rest.starts_with('[') && scan.is_after_at() {
            scan.push(cursor.literal());
            continue;
        }
        let Some(c) = cursor.next() else {
            break;
        };
        match c {
            '"' => {
                let (raw, text) = cursor.quoted();
                scan.push_quoted(&raw, &text);
            }
            '(' => scan.add(Piece::Comment(cursor.comment())),
            '<' => scan.add(Piece::Angle(cursor.angle())),
            ',' => scan.close(true),
            ';' => scan.close(false),
            ':' if !scan.has_at => {
                scan.word = None;
                scan.open.pieces.clear();
                scan.close(false);
            }
            '>' => {}
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
    /// There was an `@` in the segment.
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

    fn is_after_at(&self) -> bool {
        self.word
            .as_ref()
            .is_some_and(|word| word.raw.ends_with('@'))
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else {
            return;
        };
        match self.open.pieces.last_mut() {
            Some(Piece::Word(before)) if are_one(before, &word.raw) => {
                before.raw.push_str(&word.raw);
                before.text.push(' ');
                before.text.push_str(&word.text);
            }
            _ => self.open.pieces.push(Piece::Word(word)),
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
        self.found.push(segment);
    }
}

/// Whether two words are one address though there is a blank between them: RFC 5322 section 4.4.
fn are_one(before: &Word, after: &str) -> bool {
    let is_dot = after == "." || before.text == "." || before.text.ends_with(" .");
    before.raw.ends_with('@') || after.starts_with('@') || is_dot
}
