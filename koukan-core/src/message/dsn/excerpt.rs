//! The header of the message that failed.

/// The header fields at the beginning of a message, as lines that end with CRLF: up to the empty
/// line, or to the first line that is no header field.
///
/// A line may have ended with a bare LF. Bare CRs and NULs become spaces: they stand for nothing,
/// and must not stand in mail.
pub(super) fn header(message: &[u8]) -> Vec<u8> {
    let mut header = Vec::with_capacity(message.len().min(4096));
    let mut is_first = true;
    for line in message.split(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let is_of_mailbox = line.starts_with(b"From ") || line.starts_with(b">From ");
        if std::mem::take(&mut is_first) && is_of_mailbox {
            continue;
        }
        let is_continued = !header.is_empty() && matches!(line.first(), Some(b' ' | b'\t'));
        if !is_continued && !is_field(line) {
            break;
        }
        let octets = line.iter().map(|octet| match octet {
            b'\r' | 0 => b' ',
            octet => *octet,
        });
        header.extend(octets);
        header.extend_from_slice(b"\r\n");
    }
    header
}

/// Whether a line begins a header field: RFC 5322 sections 2.2 and 4.5.
fn is_field(line: &[u8]) -> bool {
    let name = line.iter().position(|octet| *octet == b':');
    let name = name.map_or(&[][..], |end| &line[..end]).trim_ascii_end();
    !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_where_the_fields_end() {
        for (message, expected) in [
            ("", ""),
            ("\r\nsecret: no\r\n", ""),
            ("no header\r\nA: b\r\n", ""),
            ("A: b\r\n\r\nsecret: no", "A: b\r\n"),
            (
                "A: b\r\nC :d\r\n e\r\n\tf\r\nsecret\r\nG: h",
                "A: b\r\nC :d\r\n e\r\n\tf\r\n",
            ),
            ("A: b\nC: d\n\nsecret: no", "A: b\r\nC: d\r\n"),
            ("A: b\rc\0d\r\r\n", "A: b c d \r\n"),
            ("A: cut off", "A: cut off\r\n"),
            ("From a@b Thu\r\nA: b\r\n", "A: b\r\n"),
            (" A: b\r\n", ""),
            (": b\r\n", ""),
            ("A b: c\r\n", ""),
        ] {
            let header = header(message.as_bytes());
            assert_eq!(String::from_utf8(header).unwrap(), expected, "{message:?}");
        }
    }
}
