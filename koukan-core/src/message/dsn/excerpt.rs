//! The header of the message that failed, and the message as it is returned.

use std::borrow::Cow;

use crate::message::downgrade::{Downgrade, Signatures, Transport, Unconvertible};

/// Octets of a line, at most: RFC 5322 section 2.1.1.
const LINE_MAX: usize = 998;

/// The header fields at the beginning of a message, as lines that end with CRLF: up to the empty
/// line, or to the first line that is not a header field.
///
/// Lines may end with a bare LF. Bare CRs and NULs become spaces, since they have no meaning and
/// must not occur in mail.
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

/// Whether the whole message can be part of a notification unchanged: its lines are neither too long
/// nor malformed. A header in UTF-8 requires an international notification.
pub(super) fn can_return(message: &[u8], is_international: bool) -> bool {
    let fits = |line: &[u8]| line.len() <= LINE_MAX && !line.contains(&b'\r');
    let mut lines = message.split(|octet| *octet == b'\n').peekable();
    while let Some(line) = lines.next() {
        let is_last = lines.peek().is_none();
        let line = match line.strip_suffix(b"\r") {
            Some(line) => line,
            None if is_last => line,
            None => return false,
        };
        if !fits(line) {
            return false;
        }
    }
    let header = header(message);
    let is_header_fit = header.is_ascii() || (is_international && str::from_utf8(&header).is_ok());
    is_header_fit && !message.contains(&0)
}

/// The whole message in ASCII, with its parts encoded if necessary; `None` if that is impossible. A host without
/// 8BITMIME would refuse the notification otherwise, and nobody would be notified.
pub(super) fn in_ascii(message: &[u8]) -> Option<Cow<'_, [u8]>> {
    if message.is_ascii() {
        return Some(message.into());
    }
    let converted = converted(message).ok()?;
    converted.is_ascii().then_some(converted.into())
}

fn converted(message: &[u8]) -> Result<Vec<u8>, Unconvertible> {
    let mut downgrade = Downgrade::new(Transport::SevenBit).with_signatures(Signatures::Break);
    let mut converted = downgrade.chunk(message)?.to_vec();
    converted.extend_from_slice(&downgrade.end()?);
    Ok(converted)
}

/// Whether a message, given by its beginning, is a notification or another automatic response. Nobody
/// is notified of its outcome.
///
/// *Source*: RFC 3834 section 5, RFC 6522.
pub(crate) fn is_notification(message: &[u8]) -> bool {
    let header = header(message);
    let header = String::from_utf8_lossy(&header).to_ascii_lowercase();
    let unfolded = header.replace("\r\n ", " ").replace("\r\n\t", " ");
    unfolded.split("\r\n").any(|line| {
        let Some((name, value)) = line.split_once(':') else {
            return false;
        };
        let value = value.trim_start();
        match name.trim_end() {
            "auto-submitted" => value.starts_with("auto-replied"),
            "content-type" => value.starts_with("multipart/report") && value.contains("status"),
            _ => false,
        }
    })
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
    fn what_is_broken_does_not_come_back() {
        let long = "x".repeat(LINE_MAX + 1);
        for (message, is_international, can) in [
            ("A: b\r\n\r\nhello\r\n", false, true),
            ("A: b\r\n\r\nhello", false, true),
            ("A: b\r\n\r\ngrüße\r\n", false, true),
            ("A: grüße\r\n\r\nhi\r\n", false, false),
            ("A: grüße\r\n\r\nhi\r\n", true, true),
            ("A: b\n\nhello\n", false, false),
            ("A: b\r\n\r\na\rb\r\n", false, false),
            ("A: b\r\n\r\na\0b\r\n", false, false),
            (&long, false, false),
        ] {
            assert_eq!(
                can_return(message.as_bytes(), is_international),
                can,
                "{message:?}"
            );
        }
    }

    #[test]
    fn notifications_are_known_by_their_header() {
        for (message, is_one) in [
            ("Auto-Submitted: auto-replied\r\n\r\n", true),
            ("auto-submitted:auto-replied; x=y\r\n\r\n", true),
            ("Auto-Submitted: auto-generated\r\n\r\n", false),
            ("Auto-Submitted: no\r\n\r\n", false),
            (
                "Content-Type: multipart/report;\r\n\treport-type=delivery-status\r\n\r\n",
                true,
            ),
            ("Content-Type: multipart/mixed; a=status\r\n\r\n", false),
            ("A: b\r\n\r\nAuto-Submitted: auto-replied\r\n", false),
        ] {
            assert_eq!(is_notification(message.as_bytes()), is_one, "{message:?}");
        }
    }

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
