//! Transfer encodings, undone as far as it goes: RFC 2045 section 6.

use bytes::Bytes;
use memchr::memchr;

/// Undoes an encoding; one that is not known is none.
pub(super) fn decode(encoding: &str, octets: Bytes) -> Bytes {
    if encoding.eq_ignore_ascii_case("base64") {
        base64(&octets).into()
    } else if encoding.eq_ignore_ascii_case("quoted-printable") {
        quoted_printable(&octets)
    } else {
        octets
    }
}

/// Decodes base64; what is not of its alphabet is left out.
pub(super) fn base64(octets: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(octets.len() / 4 * 3 + 3);
    let (mut group, mut count) = (0_u32, 0);
    for octet in octets {
        match value(*octet) {
            Some(value) => {
                group = group << 6 | u32::from(value);
                count += 1;
                if count == 4 {
                    decoded.extend_from_slice(&group.to_be_bytes()[1..]);
                    (group, count) = (0, 0);
                }
            }
            None if *octet == b'=' => {
                finish(group, count, &mut decoded);
                (group, count) = (0, 0);
            }
            None => {}
        }
    }
    finish(group, count, &mut decoded);
    decoded
}

/// Adds what an incomplete group encodes.
fn finish(group: u32, count: u32, decoded: &mut Vec<u8>) {
    let octets = (group << (6 * (4 - count.clamp(1, 4)))).to_be_bytes();
    decoded.extend_from_slice(match count {
        2 => &octets[1..2],
        3 => &octets[1..3],
        _ => &[],
    });
}

fn value(octet: u8) -> Option<u8> {
    match octet {
        b'A'..=b'Z' => Some(octet - b'A'),
        b'a'..=b'z' => Some(octet - b'a' + 26),
        b'0'..=b'9' => Some(octet - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Decodes quoted-printable; a `=` that means nothing stays.
fn quoted_printable(octets: &Bytes) -> Bytes {
    let mut decoded = Vec::with_capacity(octets.len());
    let mut rest = &octets[..];
    while !rest.is_empty() {
        let end = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let (line, tail) = rest.split_at(end);
        rest = tail;
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let line_end = &line[text.len()..];
        // Blanks at the end were added on the way.
        let text = text.trim_ascii_end();
        let (text, line_end) = match text.strip_suffix(b"=") {
            Some(text) => (text, &b""[..]),
            None => (text, line_end),
        };
        hex(text, b'=', &mut decoded);
        decoded.extend_from_slice(line_end);
    }
    decoded.into()
}

/// Adds octets, of which some are written as `mark` and two hexadecimal digits.
pub(super) fn hex(mut octets: &[u8], mark: u8, decoded: &mut Vec<u8>) {
    while let Some(at) = memchr(mark, octets) {
        decoded.extend_from_slice(&octets[..at]);
        let digit = |index: usize| {
            let octet = octets.get(at + index)?;
            char::from(*octet).to_digit(16)
        };
        match (digit(1), digit(2)) {
            (Some(high), Some(low)) => {
                decoded.extend(u8::try_from(high * 16 + low));
                octets = &octets[at + 3..];
            }
            _ => {
                decoded.push(mark);
                octets = &octets[at + 1..];
            }
        }
    }
    decoded.extend_from_slice(octets);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_as_far_as_it_goes() {
        for (text, expected) in [
            ("", ""),
            ("aGk=", "hi"),
            ("aGk", "hi"),
            ("aG\r\nk=\r\n", "hi"),
            ("aGk=aGk=", "hihi"),
            ("a!G-k", "hi"),
            ("aGlo", "hih"),
            ("a", ""),
            ("=", ""),
            ("aA==", "h"),
        ] {
            assert_eq!(base64(text.as_bytes()), expected.as_bytes(), "{text}");
        }
    }

    #[test]
    fn quoted_printable_is_decoded_as_far_as_it_goes() {
        for (text, expected) in [
            ("", ""),
            ("a=20=\r\nb \r\nc=3D", "a b\r\nc="),
            ("=C3=bc=", "ü"),
            ("=xy =4", "=xy =4"),
            ("a\t \n=", "a\n"),
            ("a = \r\nb", "a b"),
        ] {
            let decoded = quoted_printable(&Bytes::from(text));
            assert_eq!(decoded, expected, "{text}");
        }
    }
}
