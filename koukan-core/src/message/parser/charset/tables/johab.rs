//! Johab, the other encoding of KS X 1001 (annex 3): syllables are composed of their letters.

use encoding_rs::EUC_KR;

const INITIALS: &str = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
const FINALS: &str = "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ";
/// The first of the vowels, which are consecutive.
const VOWELS: u32 = 0x314f;
/// The first of the composed syllables.
const SYLLABLES: u32 = 0xac00;

/// Decodes octets.
pub(super) fn decode(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    let mut rest = octets;
    while let [first, tail @ ..] = rest {
        let pair = tail.first().and_then(|second| pair(*first, *second));
        match pair {
            Some(c) => {
                text.push(c);
                rest = &tail[1..];
                continue;
            }
            None if *first == b'\\' => text.push('₩'),
            None if first.is_ascii() => text.push(char::from(*first)),
            None => text.push(char::REPLACEMENT_CHARACTER),
        }
        rest = tail;
    }
    text
}

fn pair(first: u8, second: u8) -> Option<char> {
    match first {
        0x84..=0xd3 => syllable(u16::from_be_bytes([first, second])),
        0xd9..=0xde | 0xe0..=0xf9 => symbol(first, second),
        _ => None,
    }
}

/// One bit, and five for each of initial, vowel and final.
fn syllable(code: u16) -> Option<char> {
    let bits = |shift: u16| u32::from(code >> shift & 0x1f);
    let (initial, vowel, end) = (bits(10), bits(5), bits(0));
    let initial = match initial {
        1 => None,
        2..=20 => Some(initial - 2),
        _ => return None,
    };
    let vowel = match vowel {
        2 => None,
        3..=7 => Some(vowel - 3),
        10..=15 => Some(vowel - 5),
        18..=23 => Some(vowel - 7),
        26..=29 => Some(vowel - 9),
        _ => return None,
    };
    let end = match end {
        1 => 0,
        2..=17 => end - 1,
        19..=29 => end - 2,
        _ => return None,
    };
    let letter = |letters: &str, index: u32| letters.chars().nth(usize::try_from(index).ok()?);
    match (initial, vowel, end) {
        (Some(initial), Some(vowel), end) => {
            char::from_u32(SYLLABLES + (initial * 21 + vowel) * 28 + end)
        }
        (Some(initial), None, 0) => letter(INITIALS, initial),
        (None, Some(vowel), 0) => char::from_u32(VOWELS + vowel),
        (None, None, 1..) => letter(FINALS, end - 1),
        (None, None, 0) => Some('\u{3164}'),
        _ => None,
    }
}

/// Symbols and Chinese characters, in the order of KS X 1001.
fn symbol(first: u8, second: u8) -> Option<char> {
    let column = match second {
        0x31..=0x7e => second - 0x31,
        0x91..=0xfe => second - 0x43,
        _ => return None,
    };
    let row = match first {
        0xd9..=0xde => 2 * (first - 0xd9),
        _ => 2 * (first - 0xe0) + 0x29,
    };
    let (row, column) = match column {
        0..0x5e => (row, column),
        _ => (row + 1, column - 0x5e),
    };
    let octets = [row + 0xa1, column + 0xa1];
    let (text, is_wrong) = EUC_KR.decode_without_bom_handling(&octets);
    text.chars().next().filter(|_| !is_wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Python's codec decodes it.
    #[test]
    fn syllables_letters_and_symbols() {
        for (octets, expected) in [
            (&b"\xd0\x65\x8b\x69"[..], "한글"),
            (b"\x88\x61\xd3\xbd", "가힣"),
            (b"\x88\x41\x84\x61\xd9\x31", "ㄱㅏ\u{3000}"),
            (b"\xe0\x31\xf9\xfe", "伽詰"),
            (b"a\\\xff\x88", "a₩\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(decode(octets), expected, "{octets:?}");
        }
    }
}
