//! The parts of a multipart: RFC 2046 section 5.1.

use std::ops::Range;

use memchr::{memchr, memmem};

/// Where the parts between delimiters are, if there is at least one delimiter; the last part may
/// lack its end. The one after `max` parts is all that remains.
pub(super) fn split(body: &[u8], boundary: &str, max: usize) -> Option<Vec<Range<usize>>> {
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut start = None;
    for found in memmem::find_iter(body, &delimiter) {
        let Some(line) = line_at(body, found, delimiter.len()) else {
            continue;
        };
        if let Some(start) = start {
            if parts.len() == max {
                parts.push(start..body.len());
                return Some(parts);
            }
            parts.push(start..line.before.max(start));
        }
        if line.is_last {
            return Some(parts);
        }
        start = Some(line.after);
    }
    parts.push(start?..body.len());
    Some(parts)
}

struct Line {
    /// Where the part before it ends: the line end before the line is the delimiter's.
    before: usize,
    /// Where the next part starts.
    after: usize,
    is_last: bool,
}

/// The delimiter line, if what was found is one.
fn line_at(body: &[u8], found: usize, length: usize) -> Option<Line> {
    let before = match &body[..found] {
        [] => 0,
        [.., b'\r', b'\n'] => found - 2,
        [.., b'\n'] => found - 1,
        _ => return None,
    };
    let rest = &body[found + length..];
    let end = memchr(b'\n', rest);
    let line = &rest[..end.unwrap_or(rest.len())];
    let (is_last, blanks) = match line.strip_prefix(b"--") {
        Some(blanks) => (true, blanks),
        None => (false, line),
    };
    let is_line = blanks.iter().all(u8::is_ascii_whitespace);
    is_line.then(|| Line {
        before,
        after: end.map_or(body.len(), |end| found + length + end + 1),
        is_last,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(body: &str, max: usize) -> Option<Vec<&str>> {
        let parts = split(body.as_bytes(), "b", max)?;
        Some(parts.into_iter().map(|part| &body[part]).collect())
    }

    #[test]
    fn delimiters_are_lines() {
        for (body, expected) in [
            ("", None),
            ("text", None),
            ("--bc\r\nx", None),
            (" --b\r\nx", None),
            ("--b\r\n1\r\n--b\r\n2\r\n--b--\r\n3", Some(&["1", "2"][..])),
            ("pre\r\n--b \r\n1\r\n\r\n--b--", Some(&["1\r\n"])),
            ("--b\n1\n--b\n\n--b--\n", Some(&["1", ""])),
            ("--b\r\n--b\r\n--bc\r\n--b--", Some(&["", "--bc"])),
            ("--b\r\n1\r\n", Some(&["1\r\n"])),
            ("--b", Some(&[""])),
            ("--b--", Some(&[])),
        ] {
            assert_eq!(parts(body, 9).as_deref(), expected, "{body:?}");
        }
    }

    #[test]
    fn what_is_too_much_stays_together() {
        let body = "--b\r\n1\r\n--b\r\n2\r\n--b\r\n3\r\n--b--\r\n";
        let rest = "2\r\n--b\r\n3\r\n--b--\r\n";
        assert_eq!(parts(body, 1), Some(vec!["1", rest]));
        assert_eq!(parts(body, 3), Some(vec!["1", "2", "3"]));
    }
}
