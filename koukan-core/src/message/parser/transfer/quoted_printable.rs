//! Quoted-printable: RFC 2045 section 6.7, and common deviations.

use bytes::Bytes;
use memchr::memchr;

/// Decodes quoted-printable; an invalid `=` stays.
pub(super) fn decode(octets: &Bytes) -> Bytes {
    let mut decoded = Vec::with_capacity(octets.len());
    let mut rest = &octets[..];
    while !rest.is_empty() {
        let end = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let (line, tail) = rest.split_at(end);
        rest = tail;
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let line_end = &line[text.len()..];
        // Blanks at the end were added in transport.
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

/// Adds octets, decoding those written as `mark` and two hexadecimal digits.
pub(in super::super) fn hex(mut octets: &[u8], mark: u8, decoded: &mut Vec<u8>) {
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
    fn quoted_printable_is_decoded_as_far_as_it_goes() {
        for (text, expected) in [
            ("", ""),
            ("a=20=\r\nb \r\nc=3D", "a b\r\nc="),
            ("=C3=bc=", "ü"),
            ("=xy =4", "=xy =4"),
            ("a\t \n=", "a\n"),
            ("a = \r\nb", "a b"),
        ] {
            let decoded = decode(&Bytes::from(text));
            assert_eq!(decoded, expected, "{text}");
        }
    }
}
