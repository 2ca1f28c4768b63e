//! Base64: RFC 2045 section 6.8, and what people make of it.

use memchr::memchr;

/// Characters of a line that is taken for base64 though nothing ends with padding.
const LONG: usize = 20;

/// Decodes base64, all of it; what is not of its alphabet is left out.
pub(in super::super) fn decode(text: &[u8]) -> Vec<u8> {
    let mut group = Group::with_capacity(text.len());
    for octet in text {
        match value(*octet) {
            Some(value) => group.add(value),
            None if *octet == b'=' => drop(group.pad()),
            None => {}
        }
    }
    group.finish()
}

/// Decodes lines of base64 up to where something else begins, and tells where that is: behind
/// padding, or at a line that cannot be base64 when no line after it can.
pub(super) fn decode_lines(text: &[u8]) -> (Vec<u8>, usize) {
    let mut group = Group::with_capacity(text.len());
    let mut position = 0;
    // The line that may be none, and what was decoded before it, if it could have been all.
    let (mut start, mut before) = (0, None);
    let (mut has_text, mut is_after_blank) = (false, false);
    let mut was_looked_ahead = false;
    while let Some(octet) = text.get(position).copied() {
        position += 1;
        match value(octet) {
            Some(value) if !is_after_blank => {
                has_text = true;
                group.add(value);
            }
            None if octet == b'\n' => {
                // What is broken off in a group of four goes on in the next line.
                let length = group.decoded.len();
                before = (group.is_complete() && length > 0).then_some(length);
                start = position;
                (has_text, is_after_blank) = (false, false);
            }
            None if octet.is_ascii_whitespace() => is_after_blank = has_text,
            None if octet == b'=' => {
                if group.pad() {
                    let end = position + line(&text[position..]).len();
                    position += padding(&text[position..end]);
                    if !goes_on(&text[position..]) {
                        return (group.decoded, position);
                    }
                    (start, before) = (position, Some(group.decoded.len()));
                    (has_text, is_after_blank) = (false, false);
                }
            }
            value => {
                if !was_looked_ahead && let Some(length) = before {
                    was_looked_ahead = true;
                    if !lines(&text[start..]).any(is_certain) {
                        group.decoded.truncate(length);
                        return (group.decoded, start);
                    }
                }
                is_after_blank = false;
                if let Some(value) = value {
                    group.add(value);
                }
            }
        }
    }
    (group.finish(), text.len())
}

/// Octets of further padding, and of blanks up to the end of the line.
fn padding(line: &[u8]) -> usize {
    let is_padding = |octet: &u8| *octet == b'=' || octet.is_ascii_whitespace();
    line.iter().take_while(|octet| is_padding(octet)).count()
}

/// Whether the first line with something in it is base64 that was encoded by itself.
fn goes_on(text: &[u8]) -> bool {
    let mut lines = lines(text).filter(|line| !line.trim_ascii().is_empty());
    lines.next().is_some_and(is_certain)
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (first, tail) = rest.split_at(line(rest).len());
        rest = tail;
        (!first.is_empty()).then_some(first)
    })
}

/// The first line, with its end.
fn line(text: &[u8]) -> &[u8] {
    &text[..memchr(b'\n', text).map_or(text.len(), |end| end + 1)]
}

/// Whether a line has nothing but base64.
fn is_possible(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.iter()
        .all(|octet| value(*octet).is_some() || *octet == b'=')
}

/// Whether a line can hardly be anything but base64.
fn is_certain(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let text = line.trim_ascii_end();
    let bare = text
        .iter()
        .rposition(|octet| *octet != b'=')
        .map_or(0, |last| last + 1);
    let is_padded = bare < text.len();
    let is_whole = match bare % 4 {
        0 => bare >= LONG && !is_padded,
        1 => false,
        _ => is_padded,
    };
    is_whole && is_possible(line)
}

/// Octets, and what is left of the last four characters.
struct Group {
    decoded: Vec<u8>,
    bits: u32,
    count: u32,
}

impl Group {
    fn with_capacity(characters: usize) -> Self {
        Self {
            decoded: Vec::with_capacity(characters / 4 * 3 + 3),
            bits: 0,
            count: 0,
        }
    }

    fn is_complete(&self) -> bool {
        self.count == 0
    }

    /// Adds six bits.
    fn add(&mut self, value: u8) {
        self.bits = self.bits << 6 | u32::from(value);
        self.count += 1;
        if self.count == 4 {
            self.decoded
                .extend_from_slice(&self.bits.to_be_bytes()[1..]);
            (self.bits, self.count) = (0, 0);
        }
    }

    /// Ends a group before it is full; whether there is one that can end.
    fn pad(&mut self) -> bool {
        let can_end = self.count > 1;
        if can_end {
            self.close();
        }
        can_end
    }

    /// Adds what an incomplete group encodes.
    fn close(&mut self) {
        let octets = (self.bits << (6 * (4 - self.count.clamp(1, 4)))).to_be_bytes();
        self.decoded.extend_from_slice(match self.count {
            2 => &octets[1..2],
            3 => &octets[1..3],
            _ => &[],
        });
        (self.bits, self.count) = (0, 0);
    }

    fn finish(mut self) -> Vec<u8> {
        self.close();
        self.decoded
    }
}

/// The six bits that a character stands for.
fn value(octet: u8) -> Option<u8> {
    let value = VALUES[usize::from(octet)];
    (value < 64).then_some(value)
}

const VALUES: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut values = [u8::MAX; 256];
    let mut value = 0;
    while value < 64 {
        values[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    values
};

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
            assert_eq!(decode(text.as_bytes()), expected.as_bytes(), "{text}");
            assert_eq!(
                decode_lines(text.as_bytes()).0,
                expected.as_bytes(),
                "{text}"
            );
        }
    }

    #[test]
    fn what_follows_is_not_decoded() {
        let long = "aGhoaGhoaGhoaGhoaGho";
        for (text, expected, rest) in [
            (
                "aGk=\r\n\r\n-- \r\nfooter\r\n",
                "hi",
                "\r\n-- \r\nfooter\r\n",
            ),
            ("aGk=\r\nRegards\r\n", "hi", "Regards\r\n"),
            ("aGk= footer", "hi", "footer"),
            ("aGlo\r\n_____\r\nfooter\r\n", "hih", "_____\r\nfooter\r\n"),
            ("aGlo\r\nsee https://x\r\n", "hih", "see https://x\r\n"),
            // Lines that were encoded one by one.
            ("aGk=\r\naGk=\r\n", "hihi", ""),
            ("aGk=\r\n\r\naGk=\r\nbye", "hihi", "bye"),
            (&format!("aGk=\r\n{long}\r\n")[..], "hihhhhhhhhhhhhhhh", ""),
            // What is broken in the middle.
            (
                &format!("aGlo\r\n?? ??\r\n{long}\r\n")[..],
                "hihhhhhhhhhhhhhhhh",
                "",
            ),
            ("aG\r\n ?? \r\nlo\r\n", "hih", ""),
        ] {
            let (decoded, end) = decode_lines(text.as_bytes());
            let decoded = String::from_utf8(decoded).unwrap();
            assert_eq!((&*decoded, &text[end..]), (expected, rest), "{text:?}");
        }
    }
}
