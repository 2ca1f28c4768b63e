//! Lists of addresses: RFC 5322 section 3.4, and what people make of it.
//!
//! They are read here, since mail-parser takes `Big Bug bb@bug.com` for one address, `Joe Foo` in
//! `Joe Foo, PhD <j@x>` for an addressee, `A <j@x> B <k@y>` for one, and loses quotes and literals.
//! The rules:
//!
//! - An address is what stands in `<>`, or a word with an `@`. Words before it are its name; a
//!   comment is, or words behind it are, if there are none.
//! - What has no address before a comma is the beginning of the name after it, if that name has its
//!   address in `<>` and does not begin with quotes.
//! - A single word is a local name, as in `root`. Anything else without an address is a name whose
//!   address is empty.

mod cursor;
mod scan;

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
    let mut list = List::default();
    for segment in segments(text) {
        list.add(segment);
    }
    list.flush();
    list.found
}

#[derive(Default)]
struct List {
    found: Vec<Addressee>,
    /// What stood before commas and had no address.
    pending: Vec<Vec<Word>>,
}

impl List {
    fn add(&mut self, segment: Segment) {
        let has_comma = segment.has_comma;
        let has_angle = segment
            .pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Angle(_)));
        if has_angle {
            // Who quotes a name quotes all of it.
            if segment.begins_with_quotes() {
                self.flush();
            }
            let pending = std::mem::take(&mut self.pending);
            self.add_angles(segment, pending);
            return;
        }
        let (mut words, mut comment) = (Vec::new(), String::new());
        for piece in segment.pieces {
            match piece {
                Piece::Word(word) => words.push(word),
                Piece::Comment(text) => add_comment(&mut comment, &text),
                Piece::Angle(_) => {}
            }
        }
        if words.iter().any(|word| word.address().is_some()) {
            self.flush();
            let from = self.found.len();
            self.add_words(words, from);
            self.name(from, comment);
        } else if has_comma && !words.is_empty() {
            self.pending.push(words);
        } else {
            self.flush();
            let from = self.found.len();
            self.phrase(words);
            self.name(from, comment);
        }
    }

    /// Adds a segment in which each `<>` is an address.
    fn add_angles(&mut self, segment: Segment, pending: Vec<Vec<Word>>) {
        let from = self.found.len();
        let mut before: Vec<Word> = Vec::new();
        for words in pending {
            before.extend(words);
            if let Some(last) = before.last_mut() {
                last.text.push(',');
            }
        }
        let mut comment = String::new();
        for piece in segment.pieces {
            match piece {
                Piece::Word(word) => before.push(word),
                Piece::Comment(text) => add_comment(&mut comment, &text),
                Piece::Angle(address) => {
                    let words = std::mem::take(&mut before);
                    self.found.push(addressee(words, address));
                }
            }
        }
        self.add_words(before, from);
        self.name(from, comment);
        self.found
            .retain(|one| !one.address.is_empty() || one.display_name.is_some());
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
        for words in std::mem::take(&mut self.pending) {
            self.phrase(words);
        }
    }

    fn phrase(&mut self, words: Vec<Word>) {
        match &words[..] {
            [] => {}
            [word] if word.is_local() => self.found.push(Addressee {
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
mod tests {
    use super::*;

    fn named(name: &str, address: &str) -> Addressee {
        Addressee {
            display_name: (!name.is_empty()).then(|| name.into()),
            address: address.into(),
        }
    }

    #[test]
    fn addresses_in_all_forms() {
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
            ("a . b @ c . d", vec![named("", "a.b@c.d")]),
            ("<a . b @ c . d>", vec![named("", "a.b@c.d")]),
            ("a@[IPv6:::1]", vec![named("", "a@[IPv6:::1]")]),
            (
                "<a@[IPv6:::1]>, b@x",
                vec![named("", "a@[IPv6:::1]"), named("", "b@x")],
            ),
            ("A (c) <a@x> (d)", vec![named("A", "a@x")]),
            ("root", vec![named("", "root")]),
            ("\"a\" \"b\" <a@x>", vec![named("a b", "a@x")]),
            ("<a@x>,,<b@x>,", vec![named("", "a@x"), named("", "b@x")]),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn none_is_invented_and_none_is_lost() {
        for (text, expected) in [
            ("Big Bug bb@bug.com", vec![named("Big Bug", "bb@bug.com")]),
            ("bb@bug.com Big Bug", vec![named("Big Bug", "bb@bug.com")]),
            (
                "\"Big Bug\" bb @ bug.com",
                vec![named("Big Bug", "bb@bug.com")],
            ),
            ("Joe Foo, PhD <j@x>", vec![named("Joe Foo, PhD", "j@x")]),
            ("Foo, Joe, PhD <j@x>", vec![named("Foo, Joe, PhD", "j@x")]),
            (
                "a@x, Foo, Joe <j@x>, b@x",
                vec![named("", "a@x"), named("Foo, Joe", "j@x"), named("", "b@x")],
            ),
            (
                "Joe Foo, \"PhD\" <j@x>",
                vec![named("Joe Foo", ""), named("PhD", "j@x")],
            ),
            (
                "=?utf-8?Q?Foo, J=C3=B6?= <j@x>",
                vec![named("Foo, Jö", "j@x")],
            ),
            (
                "A <j@x> B <k@y>",
                vec![named("A", "j@x"), named("B", "k@y")],
            ),
            ("<j@x> <k@y>", vec![named("", "j@x"), named("", "k@y")]),
            ("<j@x><k@y>", vec![named("", "j@x"), named("", "k@y")]),
            ("A <j@x> k@y", vec![named("A", "j@x"), named("", "k@y")]),
            ("j@x k@y", vec![named("", "j@x"), named("", "k@y")]),
            ("j@x B k@y", vec![named("", "j@x"), named("B", "k@y")]),
            ("j@x; k@y", vec![named("", "j@x"), named("", "k@y")]),
            ("<j@x> Joe Foo", vec![named("Joe Foo", "j@x")]),
            ("j@x <k@y>", vec![named("j@x", "k@y")]),
            ("'j@x' <k@y>", vec![named("'j@x'", "k@y")]),
            ("'j@x'", vec![named("", "j@x")]),
            ("j@x <Joe>", vec![named("Joe", "j@x")]),
            ("<j@x, k@y", vec![named("", "j@x"), named("", "k@y")]),
            ("<<j@x>>", vec![named("", "j@x")]),
            ("j@x>", vec![named("", "j@x")]),
            ("<mailto:j@x>", vec![named("", "j@x")]),
            ("John Q. Public <j@x>", vec![named("John Q. Public", "j@x")]),
            ("Joe @ Home <j@x>", vec![named("Joe @ Home", "j@x")]),
            ("<a b@x>", vec![named("", "a b@x")]),
            // Names without an address.
            (
                "undisclosed recipients",
                vec![named("undisclosed recipients", "")],
            ),
            ("MAILER-DAEMON <>", vec![named("MAILER-DAEMON", "")]),
            ("\"open, <(", vec![named("open, <(", "")]),
            ("=?utf-8?q?a=40x?=", vec![named("a@x", "")]),
            ("root, a@x", vec![named("", "root"), named("", "a@x")]),
            ("Joe Foo, a@x", vec![named("Joe Foo", ""), named("", "a@x")]),
            ("<>", vec![]),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
