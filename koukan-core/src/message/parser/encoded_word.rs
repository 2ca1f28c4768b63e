//! Encoded words: RFC 2047, and common deviations.
//!
//! Whole header fields are decoded here because mail-parser decodes each word separately, and so
//! loses characters that are split between two words, and the state of ISO-2022.

use std::borrow::Cow;

use memchr::memmem;

use super::{
    charset::{self, Charset},
    transfer,
};

/// The maximum length of an encoded word, in octets; RFC 2047 allows 75.
const MAX_WORD: usize = 2000;
/// The maximum number of words over which a group of base64 may be split.
const MAX_BROKEN: usize = 16;
/// The maximum length of a charset's name, in octets.
const MAX_CHARSET: usize = 80;

/// Decodes the encoded words in a text, in any position.
pub(super) fn decode(text: &str) -> String {
    let mut decoded = Decoded::default();
    let mut rest = text;
    while let Some(at) = rest.find("=?") {
        let (before, word) = rest.split_at(at);
        match Word::read(word.as_bytes()) {
            Some(found) => {
                decoded.plain(before);
                decoded.word(&found);
                rest = &word[found.length..];
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

/// The length, in octets, of the encoded word at the beginning of a text.
pub(super) fn length(text: &str) -> Option<usize> {
    Word::read(text.as_bytes()).map(|word| word.length)
}

/// A header field whose encoded words are made ASCII: octets that should have been encoded are
/// encoded, so that they still belong to the word's charset when the rest has been decoded.
pub(super) fn escape(value: &[u8]) -> Cow<'_, [u8]> {
    let is_wrong =
        |octet: u8| !octet.is_ascii() || octet.is_ascii_control() && !b"\r\n\t".contains(&octet);
    let mut escaped: Vec<u8> = Vec::new();
    let mut taken = 0;
    for at in memmem::find_iter(value, "=?") {
        if at < taken {
            continue;
        }
        let Some(word) = Word::read(&value[at..]) else {
            continue;
        };
        let end = at + word.length;
        if word.encoding == Encoding::Q && value[at..end].iter().any(|octet| is_wrong(*octet)) {
            escaped.extend_from_slice(&value[taken..at]);
            for octet in &value[at..end] {
                match is_wrong(*octet) {
                    true => escaped.extend_from_slice(format!("={octet:02X}").as_bytes()),
                    false => escaped.push(*octet),
                }
            }
            taken = end;
        }
    }
    if taken == 0 {
        return value.into();
    }
    escaped.extend_from_slice(&value[taken..]);
    escaped.into()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    B,
    Q,
}

struct Word<'a> {
    charset: &'a str,
    encoding: Encoding,
    data: &'a [u8],
    length: usize,
}

impl<'a> Word<'a> {
    fn read(text: &'a [u8]) -> Option<Self> {
        let inner = text[..text.len().min(MAX_WORD)].strip_prefix(b"=?")?;
        let end = memchr::memchr(b'?', &inner[..inner.len().min(MAX_CHARSET)])?;
        let (charset, tail) = inner.split_at(end);
        let charset = std::str::from_utf8(charset).ok()?;
        if charset.is_empty() || !charset.bytes().all(|octet| octet.is_ascii_graphic()) {
            return None;
        }
        let encoding = match tail {
            [b'?', b'b' | b'B', b'?', ..] => Encoding::B,
            [b'?', b'q' | b'Q', b'?', ..] => Encoding::Q,
            _ => return None,
        };
        let data = &tail[3..];
        let data = &data[..memmem::find(data, b"?=")?];
        Some(Self {
            // RFC 2231 section 5: the language is ignored.
            charset: charset.split('*').next().unwrap_or(charset),
            encoding,
            data,
            length: 2 + charset.len() + 3 + data.len() + 2,
        })
    }

    fn decode(&self) -> Vec<u8> {
        match self.encoding {
            Encoding::B => transfer::base64(self.data),
            Encoding::Q => {
                let spaced = |octet: &u8| if *octet == b'_' { b' ' } else { *octet };
                let data: Vec<u8> = self.data.iter().map(spaced).collect();
                let mut octets = Vec::with_capacity(data.len());
                transfer::hex(&data, b'=', &mut octets);
                octets
            }
        }
    }

    /// Its characters of base64, and how many of them would have padding.
    fn base64(&self) -> Option<(Vec<u8>, usize)> {
        if self.encoding == Encoding::Q {
            return None;
        }
        let is_base64 = |octet: &u8| octet.is_ascii_alphanumeric() || b"+/=".contains(octet);
        let data: Vec<u8> = self.data.iter().copied().filter(is_base64).collect();
        let left = data.len() % 4;
        Some((data, left))
    }
}

#[derive(Default)]
struct Decoded<'a> {
    text: String,
    /// Adjacent words in one charset: some programs split characters between them.
    open: Option<Open<'a>>,
    /// Blanks after a word, which are ignored if another word follows.
    blanks: &'a str,
}

struct Open<'a> {
    charset: &'a str,
    octets: Vec<u8>,
    /// Words at the end whose base64 was not in groups of four: their characters, and where the
    /// octets decoded from them begin.
    broken: Vec<u8>,
    broken_words: usize,
    broken_from: usize,
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
            Some(open) if open.takes(word) => open.add(word),
            _ => {
                self.close();
                let mut open = Open {
                    charset: word.charset,
                    octets: Vec::new(),
                    broken: Vec::new(),
                    broken_words: 0,
                    broken_from: 0,
                };
                open.add(word);
                self.open = Some(open);
            }
        }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            let text = charset::decode(Some(open.charset), &open.octets);
            self.text.push_str(text.strip_prefix(MARK).unwrap_or(&text));
            self.text.push_str(std::mem::take(&mut self.blanks));
        }
    }

    fn finish(mut self) -> String {
        self.close();
        self.text
    }
}

impl Open<'_> {
    /// Whether a word is decoded together with these octets.
    fn takes(&self, word: &Word<'_>) -> bool {
        match Charset::named(word.charset) {
            None => self.charset.eq_ignore_ascii_case(word.charset),
            Some(Charset::Other(table)) if table.stands_alone() => false,
            Some(charset) if has_mark(&charset, word) => false,
            named => Charset::named(self.charset) == named,
        }
    }

    fn add(&mut self, word: &Word<'_>) {
        let Some((data, left)) = word.base64() else {
            self.mend();
            self.octets.extend_from_slice(&word.decode());
            return;
        };
        let octets = transfer::base64(&data);
        if left == 0 && self.broken.is_empty() {
            self.octets.extend_from_slice(&octets);
            return;
        }
        // Some programs split the base64 itself between words.
        if self.broken.is_empty() {
            self.broken_from = self.octets.len();
        }
        self.octets.extend_from_slice(&octets);
        self.broken.extend_from_slice(&data);
        self.broken_words += 1;
        if self.broken_words > 1 && self.broken.len().is_multiple_of(4) {
            let joined = transfer::base64(&self.broken);
            // Each of two words may be incomplete by itself; each of many may lack its padding.
            if self.broken_words == 2 || self.is_text(&joined) {
                self.octets.truncate(self.broken_from);
                self.octets.extend_from_slice(&joined);
                self.mend();
            }
        }
        if data.contains(&b'=') || self.broken_words > MAX_BROKEN {
            self.mend();
        }
    }

    /// Ends any split group.
    fn mend(&mut self) {
        self.broken.clear();
        self.broken_words = 0;
    }

    fn is_text(&self, octets: &[u8]) -> bool {
        let text = charset::decode(Some(self.charset), octets);
        !text.contains(|c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER)
    }
}

/// The byte order mark, which precedes a text and is not part of it.
const MARK: char = '\u{feff}';

/// Whether a word begins with a byte order mark, so that it is a text of its own.
fn has_mark(charset: &Charset, word: &Word<'_>) -> bool {
    match charset {
        Charset::Utf16(_) | Charset::Utf32(_) => {
            let marks = [&b"\xfe\xff"[..], b"\xff\xfe", b"\0\0\xfe\xff"];
            let octets = word.decode();
            marks.iter().any(|mark| octets.starts_with(mark))
        }
        Charset::Utf8 => {
            let marks = [&b"77u/"[..], b"=EF=BB=BF", b"=ef=bb=bf"];
            marks.iter().any(|mark| word.data.starts_with(mark))
        }
        _ => false,
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
            // A character that is split between two words, also with different charset spellings.
            ("=?utf-8?q?=C3?= =?utf8?q?=BC?=", "ü"),
            ("=?koi8-r?b?8NI=?=", "Пр"),
            (
                "=?utf-8?x?abc?= =?utf-8?q?abc",
                "=?utf-8?x?abc?= =?utf-8?q?abc",
            ),
            ("=?=?utf-8?q?a?=", "=?a"),
            ("=?utf-8?q??=", ""),
            // Base64 that is split between two words.
            ("=?utf-8?b?5pel5p?= =?utf-8?b?ys6Kqe?=", "日本語"),
            ("=?utf-8?b?aGk?= =?utf-8?b?aGlo?=", "hihih"),
            ("=?utf-8?b?aGV?= =?utf-8?b?sbG?= =?utf-8?b?8=?=", "hello"),
            (
                "=?utf-8?b?5pe?= =?utf-8?b?l5pys?= =?utf-8?b?6K?= =?utf-8?b?qe?=",
                "日本語",
            ),
            (
                "=?utf-8?b?aGk?= =?utf-8?b?aGk?= =?utf-8?b?aGk?= =?utf-8?b?aGk?=",
                "hihihihi",
            ),
            ("=?utf-8?b?aGk?= =?utf-8?q?x?= =?utf-8?b?aGlo?=", "hixhih"),
            // Words with a byte order mark each.
            ("=?utf-16?b?//5hAGIA?= =?utf-16?b?//5jAGQA?=", "abcd"),
            ("=?utf-16?b?/v8AYQ==?= =?utf-16?b?//5iAA==?=", "ab"),
            ("=?utf-16?q?=FE=FF=00a?= =?utf-16?q?=00b?=", "ab"),
            ("=?utf-8?b?77u/YQ==?= =?utf-8?q?=EF=BB=BFb?=", "ab"),
            // Words of ISO-2022, each of which begins and ends in ASCII, or does not.
            (
                "=?ISO-2022-JP?B?GyRCJCIbKEI=?= =?iso-2022-jp?B?GyRCJCQbKEI=?=",
                "あい",
            ),
            (
                "=?iso-2022-jp?B?GyRCJCI=?= =?iso-2022-jp?B?JCQbKEI=?= x",
                "あい x",
            ),
            ("=?utf-7?q?+AKM?= =?utf-7?q?1?=", "£1"),
            ("=?iso-2022-kr?b?GyQpQw5HUQ8=?=", "한"),
        ] {
            assert_eq!(decode(text), expected, "{text}");
        }
    }

    #[test]
    fn octets_that_were_not_encoded_are_of_the_charset_of_the_word() {
        for (value, expected) in [
            (&b"=?iso-8859-5?Q?=BF\xe0?= \xfc"[..], "Пр ü"),
            (b"a =?koi8-r?q?\xf0\xd2?=", "a Пр"),
            (b"=?utf-8?Q?\xc3\xbc?=", "ü"),
            (b"=?iso-2022-jp?Q?\x1b$B$\"\x1b(B?=", "あ"),
            (b"=?iso-8859-1?b?/A\xff==?=", "ü"),
            (b"plain", "plain"),
        ] {
            let escaped = escape(value);
            let line = charset::decode(None, &escaped);
            assert_eq!(decode(&line), expected, "{value:?}");
        }
    }
}
