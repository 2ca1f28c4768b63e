//! Uuencode, as specified by POSIX and used in mail before MIME.

use memchr::memchr;

/// The octets between `begin` and `end`, and where the text before them ends and the text after
/// them begins. The line `begin …`, which names a file, belongs to the text before.
pub(super) fn decode(text: &[u8]) -> Option<(Vec<u8>, usize, usize)> {
    let mut position = 0;
    let mut begun = None;
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3);
    while position < text.len() {
        let rest = &text[position..];
        let length = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let line = rest[..length].trim_ascii_end();
        match begun {
            None if is_begin(line) => begun = Some(position + length),
            None => {}
            Some(from) if line == b"end" => return Some((decoded, from, position + length)),
            // A line that is not uuencoded ends it, if there is no `end`.
            Some(from) if !decode_line(line, &mut decoded) => {
                return Some((decoded, from, position));
            }
            Some(_) => {}
        }
        position += length;
    }
    begun.map(|from| (decoded, from, text.len()))
}

/// `begin 644 name`.
fn is_begin(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"begin ") else {
        return false;
    };
    let digits = rest.iter().take_while(|octet| octet.is_ascii_digit());
    matches!(digits.count(), 3 | 4)
}

/// Adds the octets that a line encodes. Returns whether it is a valid line.
fn decode_line(line: &[u8], decoded: &mut Vec<u8>) -> bool {
    let Some((first, text)) = line.split_first() else {
        return true;
    };
    let value = |octet: u8| u32::from(octet.wrapping_sub(b' ') & 0x3f);
    let length = value(*first) as usize;
    let is_fine = line.iter().all(|octet| (b' '..=b'`').contains(octet));
    if !is_fine || text.len() > (length.div_ceil(3) + 1) * 4 {
        return false;
    }
    // Blanks at the end stand for zeros, and may have been removed.
    let mut left = length;
    for group in 0..length.div_ceil(3) {
        let bits = (0..4).fold(0, |bits, index| {
            let octet = text.get(group * 4 + index);
            bits << 6 | octet.map_or(0, |octet| value(*octet))
        });
        let octets = bits.to_be_bytes();
        decoded.extend_from_slice(&octets[1..=left.min(3)]);
        left = left.saturating_sub(3);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_begin_and_end_is_decoded() {
        for (text, expected, before, after) in [
            (
                "begin 644 a\r\n#0V%T\r\n`\r\nend\r\n",
                "Cat",
                "begin 644 a\r\n",
                "",
            ),
            (
                "hi\nbegin 644 a b\n#0V%T\n \nend\nbye\n",
                "Cat",
                "hi\nbegin 644 a b\n",
                "bye\n",
            ),
            ("begin 644 a\n\"0V$\n`\nend", "Ca", "begin 644 a\n", ""),
            ("begin 0644 a\n#0V%T\n", "Cat", "begin 0644 a\n", ""),
            (
                "begin 644 a\n#0V%T\nno line of it\n",
                "Cat",
                "begin 644 a\n",
                "no line of it\n",
            ),
        ] {
            let (decoded, from, to) = decode(text.as_bytes()).unwrap();
            let decoded = String::from_utf8(decoded).unwrap();
            assert_eq!(decoded, expected, "{text:?}");
            assert_eq!((&text[..from], &text[to..]), (before, after), "{text:?}");
        }
        assert_eq!(decode(b"begin the day\n"), None);
    }
}
