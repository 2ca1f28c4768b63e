//! ISO-2022 for mail: ISO-2022-JP (RFC 1468) and its extensions (RFC 1554, RFC 2237), ISO-2022-KR
//! (RFC 1557), and ISO-2022-CN (RFC 1922) without CNS 11643.

use encoding_rs::{EUC_JP, EUC_KR, Encoding, GBK, ISO_8859_7, WINDOWS_1252};
use memchr::{memchr, memmem};

/// A set of characters that an escape sequence selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super::super) enum Set {
    Ascii,
    JisRoman,
    Katakana,
    Jis0208,
    Jis0212,
    Gb2312,
    Ksc5601,
    /// An unknown set with two octets per character.
    Unknown,
    Latin1,
    Greek,
}

/// Escape sequences without their ESC.
const SEQUENCES: [(&[u8], Target, Set); 20] = [
    (b"(B", Target::G0, Set::Ascii),
    (b"(J", Target::G0, Set::JisRoman),
    (b"(H", Target::G0, Set::JisRoman),
    (b"(I", Target::G0, Set::Katakana),
    (b"$@", Target::G0, Set::Jis0208),
    (b"$B", Target::G0, Set::Jis0208),
    (b"$(@", Target::G0, Set::Jis0208),
    (b"$(B", Target::G0, Set::Jis0208),
    // JIS X 0213, whose first plane contains JIS X 0208.
    (b"$(O", Target::G0, Set::Jis0208),
    (b"$(Q", Target::G0, Set::Jis0208),
    (b"$(P", Target::G0, Set::Unknown),
    (b"$(D", Target::G0, Set::Jis0212),
    (b"$A", Target::G0, Set::Gb2312),
    (b"$(A", Target::G0, Set::Gb2312),
    (b"$(C", Target::G0, Set::Ksc5601),
    (b"$)A", Target::G1, Set::Gb2312),
    (b"$)C", Target::G1, Set::Ksc5601),
    (b"$)G", Target::G1, Set::Unknown),
    (b".A", Target::G2, Set::Latin1),
    (b".F", Target::G2, Set::Greek),
];

#[derive(Clone, Copy)]
enum Target {
    G0,
    G1,
    G2,
}

const ESC: u8 = 0x1b;
const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;

/// Whether octets are pure ISO-2022, although no charset was declared.
pub(super) fn is_likely(octets: &[u8]) -> bool {
    let calls = [&b"\x1b$B"[..], b"\x1b$@", b"\x1b$)C"];
    memchr(ESC, octets).is_some()
        && octets.is_ascii()
        && calls
            .iter()
            .any(|call| memmem::find(octets, call).is_some())
}

/// Decodes octets; `g1` is the set that SO selects if no escape sequence does.
pub(super) fn decode(octets: &[u8], g1: Option<Set>) -> String {
    let mut decoder = Decoder {
        text: String::with_capacity(octets.len()),
        g0: Set::Ascii,
        g1,
        g2: Set::Latin1,
        is_shifted: false,
    };
    let mut rest = octets;
    while let Some((first, tail)) = rest.split_first() {
        let taken = decoder.octet(*first, tail);
        rest = &rest[taken..];
    }
    decoder.text
}

struct Decoder {
    text: String,
    g0: Set,
    g1: Option<Set>,
    g2: Set,
    is_shifted: bool,
}

impl Decoder {
    /// Decodes the item that begins with an octet. Returns how many octets it had.
    fn octet(&mut self, first: u8, tail: &[u8]) -> usize {
        match first {
            ESC => return 1 + self.escape(tail),
            SHIFT_OUT => self.is_shifted = true,
            SHIFT_IN => self.is_shifted = false,
            b'\r' | b'\n' => {
                // Each line starts in ASCII, even if the end of the last one was not marked.
                (self.g0, self.is_shifted) = (Set::Ascii, false);
                self.text.push(char::from(first));
            }
            0x21..=0x7e => {
                let set = match self.g1 {
                    Some(set) if self.is_shifted => set,
                    _ => self.g0,
                };
                return self.character(set, first, tail);
            }
            0xa1..=0xfe => {
                let set = self.g1.unwrap_or(Set::Katakana);
                let tail = tail.first().map(|second| second & 0x7f);
                return self.character(set, first & 0x7f, tail.as_slice());
            }
            0x80.. => self.text.push(char::REPLACEMENT_CHARACTER),
            _ => self.text.push(char::from(first)),
        }
        1
    }

    /// Handles what follows an ESC. Returns how many octets it had.
    fn escape(&mut self, tail: &[u8]) -> usize {
        if let [b'N', octet, ..] = tail {
            self.character(self.g2, *octet, &[]);
            return 2;
        }
        // Names the revision of JIS X 0208 that the next sequence selects.
        if tail.starts_with(b"&@") {
            return 2;
        }
        let mut known = SEQUENCES.iter();
        let Some((sequence, target, set)) = known.find(|known| tail.starts_with(known.0)) else {
            self.text.push(char::from(ESC));
            return 0;
        };
        match target {
            Target::G0 => self.g0 = *set,
            Target::G1 => self.g1 = Some(*set),
            Target::G2 => self.g2 = *set,
        }
        sequence.len()
    }

    /// A character of a set, both of whose octets have seven bits.
    fn character(&mut self, set: Set, first: u8, tail: &[u8]) -> usize {
        let second = tail
            .first()
            .filter(|second| (0x21..=0x7e).contains(*second));
        let single = match set {
            Set::Ascii => char::from(first),
            Set::JisRoman => match first {
                b'\\' => '¥',
                b'~' => '‾',
                _ => char::from(first),
            },
            Set::Katakana => char::from_u32(0xff61 - 0x21 + u32::from(first))
                .filter(|_| first <= 0x5f)
                .unwrap_or(char::REPLACEMENT_CHARACTER),
            Set::Latin1 => return self.push(WINDOWS_1252, &[first | 0x80], 1),
            Set::Greek => return self.push(ISO_8859_7, &[first | 0x80], 1),
            _ => {
                let Some(second) = second else {
                    self.text.push(char::REPLACEMENT_CHARACTER);
                    return 1;
                };
                let (first, second) = (first | 0x80, second | 0x80);
                return match set {
                    Set::Jis0208 => self.push(EUC_JP, &[first, second], 2),
                    Set::Jis0212 => self.push(EUC_JP, &[0x8f, first, second], 2),
                    Set::Gb2312 => self.push(GBK, &[first, second], 2),
                    Set::Ksc5601 => self.push(EUC_KR, &[first, second], 2),
                    _ => {
                        self.text.push(char::REPLACEMENT_CHARACTER);
                        2
                    }
                };
            }
        };
        self.text.push(single);
        1
    }

    fn push(&mut self, encoding: &'static Encoding, octets: &[u8], taken: usize) -> usize {
        let (text, _) = encoding.decode_without_bom_handling(octets);
        // The second octet of an invalid pair may be a character of its own.
        match text.contains(char::REPLACEMENT_CHARACTER) {
            true => self.text.push(char::REPLACEMENT_CHARACTER),
            false => self.text.push_str(&text),
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_malformed_costs_a_character_each() {
        for (octets, expected) in [
            (&b"\x1b$B$\"\x1b(B\x1b$B$$\x1b(B"[..], "あい"),
            (b"\x1b$B$\"\nx", "あ\nx"),
            (b"\x1b$B$", "\u{fffd}"),
            (b"\x1b$B\x7f\x1b(Bx", "\x7fx"),
            (b"\x1b(Ja\\~\x1b(B\\", "a¥‾\\"),
            (b"\x1b?x\x1b", "\x1b?x\x1b"),
            (b"\xb1\x80", "ｱ\u{fffd}"),
            (b"\x1b&@\x1b$B$\"\x1b(B", "あ"),
        ] {
            assert_eq!(decode(octets, None), expected, "{octets:?}");
        }
        assert_eq!(decode(b"\xc7\xd1\x0eGQ", Some(Set::Ksc5601)), "한한");
    }
}
