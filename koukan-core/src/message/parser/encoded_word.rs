//! Encoded words: RFC 2047, and what people make of it.

use super::{charset, transfer};

/// Octets of an encoded word, at most; those of RFC 2047 have 75.
const MAX_WORD: usize = 2000;

/// Decodes the encoded words in a text, wherever they stand.
pub(super) fn decode(text: &str) -> String {
    let mut decoded = Decoded::default();
    let mut rest = text;
    while let Some(at) = rest.find("=?") {
        let (before, word) = rest.split_at(at);
        match Word::read(word) {
            Some(word) => {
                decoded.plain(before);
                decoded.word(&word);
                rest = &rest[at + word.length..];
            }
            None => {
                decoded.plain(&rest[..at + 2]);
                rest = &rest[at + 2..];
            }
        }
    }
    decoded.plain(rest);
    decoded.finish()
}

struct Word<'a> {
    charset: &'a str,
    octets: Vec<u8>,
    length: usize,
}

impl<'a> Word<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let end = text.floor_char_boundary(MAX_WORD);
        let inner = text[..end].strip_prefix("=?")?;
        let (charset, tail) = inner.split_once('?')?;
        let (encoding, tail) = tail.split_once('?')?;
        let (data, _) = tail.split_once("?=")?;
        if charset.is_empty() || !charset.bytes().all(|octet| octet.is_ascii_graphic()) {
            return None;
        }
        let octets = match encoding {
            "b" | "B" => transfer::base64(data.as_bytes()),
            "q" | "Q" => {
                let mut octets = Vec::with_capacity(data.len());
                let data = data.replace('_', " ");
                transfer::hex(data.as_bytes(), b'=', &mut octets);
                octets
            }
            _ => return None,
        };
        Some(Self {
            // RFC 2231 section 5: the language is of no interest.
            charset: charset.split('*').next().unwrap_or(charset),
            octets,
            length: 2 + charset.len() + 1 + encoding.len() + 1 + data.len() + 2,
        })
    }
}

#[derive(Default)]
struct Decoded<'a> {
    text: String,
    /// Octets of words side by side in one charset: some break characters between them.
    open: Option<(&'a str, Vec<u8>)>,
    /// Blanks after a word, which count for nothing if another word follows.
    blanks: &'a str,
}

impl<'a> Decoded<'a> {
    fn plain(&mut self, text: &'a str) {
        if self.open.is_some() && text.bytes().all(|octet| octet == b' ') {
            self.blanks = text;
            return;
        }
        self.close();
        self.text.push_str(text);
    }

    fn word(&mut self, word: &Word<'a>) {
        self.blanks = "";
        match &mut self.open {
            Some((charset, octets)) if charset.eq_ignore_ascii_case(word.charset) => {
                octets.extend_from_slice(&word.octets);
            }
            _ => {
                self.close();
                self.open = Some((word.charset, word.octets.clone()));
            }
        }
    }

    fn close(&mut self) {
        if let Some((charset, octets)) = self.open.take() {
            self.text.push_str(&charset::decode(Some(charset), &octets));
            self.text.push_str(std::mem::take(&mut self.blanks));
        }
    }

    fn finish(mut self) -> String {
        self.close();
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_decoded_and_joined() {
        for (text, expected) in [
            ("", ""),
            ("plain =? text ?=", "plain =? text ?="),
            ("=?utf-8?q?gr=C3=BCn_x?= y", "grün x y"),
            (
                "a =?ISO-8859-1*de?Q?=FC?=  =?iso-8859-1?b?/A==?= b",
                "a üü b",
            ),
            ("=?utf-8?b?w7w=?==?utf-8?b?w7w=?=", "üü"),
            // A character that is broken between two words.
            ("=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"),
            ("=?koi8-r?b?8NI=?=", "Пр"),
            (
                "=?utf-8?x?abc?= =?utf-8?q?abc",
                "=?utf-8?x?abc?= =?utf-8?q?abc",
            ),
            ("=?=?utf-8?q?a?=", "=?a"),
        ] {
            assert_eq!(decode(text), expected, "{text}");
        }
    }
}
