//! HZ: RFC 1843.

use encoding_rs::GBK;

/// Decodes octets.
pub(super) fn decode(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    let mut is_chinese = false;
    let mut rest = octets;
    while let [first, tail @ ..] = rest {
        let taken = match (first, tail) {
            (b'~', [b'{', ..]) => {
                is_chinese = true;
                2
            }
            (b'~', [b'}', ..]) => {
                is_chinese = false;
                2
            }
            (b'~', [b'~', ..]) if !is_chinese => {
                text.push('~');
                2
            }
            // A continued line.
            (b'~', [b'\r', b'\n', ..]) => 3,
            (b'~', [b'\n', ..]) => 2,
            (0x21..=0x77, [second @ 0x21..=0x7e, ..]) if is_chinese => {
                push(&mut text, [first | 0x80, second | 0x80]);
                2
            }
            (0xa1..=0xfe, [second @ 0xa1..=0xfe, ..]) => {
                push(&mut text, [*first, *second]);
                2
            }
            (b'\n', _) => {
                is_chinese = false;
                text.push('\n');
                1
            }
            (first, _) => {
                text.push(match first {
                    0x80.. => char::REPLACEMENT_CHARACTER,
                    first => char::from(*first),
                });
                1
            }
        };
        rest = &rest[taken..];
    }
    text
}

fn push(text: &mut String, pair: [u8; 2]) {
    text.push_str(&GBK.decode_without_bom_handling(&pair).0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_chinese_stays() {
        for (octets, expected) in [
            (&b"~{VPND~}."[..], "中文."),
            (b"~{VP\nVP", "中\nVP"),
            (b"a~~b~\nc~", "a~bc~"),
            (b"\xd6\xd0\x80", "中\u{fffd}"),
        ] {
            assert_eq!(decode(octets), expected, "{octets:?}");
        }
    }
}
