//! Lists of addresses: RFC 5322 section 3.4, and what people write.
//!
//! mail-parser is not used, since it reads `Big Bug bb@bug.com` as one address, `Joe Foo` in
//! `Joe Foo, PhD <j@x>` as an addressee, and `A <j@x> B <k@y>` as one, and it loses quotes and
//! literals. The rules here:
//!
//! - An address is the text in `<>`, or a word with an `@`. The words before it are its name; if
//!   there are none, a comment, or the words after it.
//! - Text without an address before a comma is the beginning of the following name, unless that name
//!   begins with a quote.
//! - A single word such as `root` is a local name, except after an address in `<>`, such as `PhD`.
//!   Any other text without an address is a name with an empty address.
//! - Unclosed quotes, comments and `<>` are ordinary characters.
//! - `[a@example.com]` and `[SMTP:a@example.com]` mean the same as `<a@example.com>`.

mod ats;
mod cursor;
mod scan;

use std::borrow::Cow;

use super::{charset::one_line, encoded_word};

use self::scan::{Piece, Segment, Word, segments};

/// A name and an address, as they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Addressee {
    pub(in super::super) display_name: Option<String>,
    /// Empty where there is none.
    pub(in super::super) address: String,
}

/// The addresses of a field; those of groups as if there were no groups.
pub(in super::super) fn parse(text: &str) -> Vec<Addressee> {
    let text = without_entities(text);
    let mut list = List::default();
    for segment in segments(&text) {
        list.add(segment);
    }
    list.flush();
    list.found
}

/// A text that was made HTML, as it was before; where there is a `<`, it was not.
fn without_entities(text: &str) -> Cow<'_, str> {
    match text.contains("&lt;") && !text.contains('<') {
        true => text.replace("&lt;", "<").replace("&gt;", ">").into(),
        false => text.into(),
    }
}

#[derive(Default)]
struct List {
    found: Vec<Addressee>,
    /// The entry before had its address in `<>`, or followed such a one and had none.
    is_after_angle: bool,
    /// What stood before commas and had no address.
    pending: Vec<Pending>,
}

struct Pending {
    words: Vec<Word>,
    is_after_angle: bool,
}

impl List {
    fn add(&mut self, segment: Segment) {
        let has_comma = segment.has_comma;
        let (mut has_address, mut has_angle) = (false, false);
        for piece in &segment.pieces {
            match piece {
                Piece::Angle(address) => {
                    has_address = true;
                    has_angle |= address.contains('@');
                }
                Piece::Word(word) => has_address |= word.address().is_some(),
                Piece::Comment(_) => {}
            }
        }
        if has_address {
            // `Joe Foo, PhD, <j@x>`: a comma too many.
            let is_bare = || matches!(segment.pieces.first(), Some(Piece::Angle(_)));
            let has_phrase = || self.pending.iter().any(|pending| pending.words.len() > 1);
            let is_named = segment.begins_with_name() || is_bare() && has_phrase();
            let pending = match is_named {
                true => std::mem::take(&mut self.pending),
                false => Vec::new(),
            };
            self.flush();
            self.add_addresses(segment.pieces, pending);
            self.is_after_angle = has_angle;
            return;
        }
        let is_after_angle = self.is_after_angle;
        self.is_after_angle = is_after_angle && has_comma;
        let (mut words, mut comment) = (Vec::new(), String::new());
        for piece in segment.pieces {
            match piece {
                Piece::Word(word) => words.push(word),
                Piece::Comment(text) => add_comment(&mut comment, &text),
                Piece::Angle(_) => {}
            }
        }
        let pending = Pending {
            words,
            is_after_angle,
        };
        if has_comma && !pending.words.is_empty() {
            self.pending.push(pending);
        } else {
            self.flush();
            let from = self.found.len();
            self.phrase(pending);
            self.name(from, comment);
            self.drop_nothing();
        }
    }

    /// Adds a segment in which each `<>` and each word with an `@` is an address.
    fn add_addresses(&mut self, pieces: Vec<Piece>, pending: Vec<Pending>) {
        let from = self.found.len();
        let mut before: Vec<Word> = Vec::new();
        for pending in pending {
            before.extend(pending.words);
            if let Some(last) = before.last_mut() {
                last.text.push(',');
            }
        }
        let mut comment = String::new();
        for piece in pieces {
            match piece {
                Piece::Word(word) => before.push(word),
                Piece::Comment(text) => add_comment(&mut comment, &text),
                Piece::Angle(address) if ats::is_address(&address) => {
                    let words = std::mem::take(&mut before);
                    self.found.push(addressee(words, address));
                }
                // A group of nobody.
                Piece::Angle(text) if text.ends_with([':', ';']) => {}
                Piece::Angle(text) if text.is_empty() => {}
                Piece::Angle(text) => before.push(Word {
                    raw: String::new(),
                    text,
                }),
            }
        }
        if self.found.len() == from && !before.iter().any(|word| word.address().is_some()) {
            let display_name = name(&before);
            let address = String::new();
            self.found.push(Addressee {
                display_name,
                address,
            });
        } else {
            self.add_words(before, from);
        }
        self.name(from, comment);
        self.drop_nothing();
    }

    /// Adds the addresses among words. What stands behind the last one is its name if it has none;
    /// it may be one of those from `from`.
    fn add_words(&mut self, words: Vec<Word>, from: usize) {
        let mut before = Vec::new();
        for word in words {
            match word.address().map(str::to_owned) {
                Some(address) => {
                    let display_name = name(&std::mem::take(&mut before));
                    self.found.push(Addressee {
                        display_name,
                        address,
                    });
                }
                None => before.push(word),
            }
        }
        if let Some(last) = self.found[from..].last_mut()
            && last.display_name.is_none()
        {
            last.display_name = name(&before);
        }
    }

    /// Gives the only addressee since `from` the name that a comment says.
    fn name(&mut self, from: usize, comment: String) {
        if let [one] = &mut self.found[from..]
            && one.display_name.is_none()
        {
            one.display_name = decoded(&comment);
        }
    }

    /// Adds what waits for an address that does not come.
    fn flush(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            self.phrase(pending);
            self.drop_nothing();
        }
    }

    /// Drops the last one if it has neither an address nor a name.
    fn drop_nothing(&mut self) {
        self.found
            .pop_if(|one| one.address.is_empty() && one.display_name.is_none());
    }

    fn phrase(&mut self, pending: Pending) {
        match &pending.words[..] {
            [] => {}
            [word] if word.is_local() && !pending.is_after_angle => self.found.push(Addressee {
                display_name: None,
                address: word.raw.clone(),
            }),
            words => self.found.push(Addressee {
                display_name: name(words),
                address: String::new(),
            }),
        }
    }
}

fn addressee(words: Vec<Word>, address: String) -> Addressee {
    // `a@x <Alice>` is the wrong way round.
    if let [word] = &words[..]
        && !address.contains('@')
        && let Some(other) = word.address()
    {
        return Addressee {
            display_name: decoded(&address),
            address: other.to_owned(),
        };
    }
    Addressee {
        display_name: name(&words),
        address,
    }
}

fn add_comment(comment: &mut String, text: &str) {
    if !comment.is_empty() {
        comment.push(' ');
    }
    comment.push_str(text);
}

fn name(words: &[Word]) -> Option<String> {
    let words: Vec<_> = words.iter().map(|word| &*word.text).collect();
    decoded(&words.join(" "))
}

fn decoded(text: &str) -> Option<String> {
    let text = one_line(&encoded_word::decode(text.trim()));
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
