//! The parts of a multipart: RFC 2046 section 5.1.
//!
//! mail-parser drops the text before the first part, after the last one, and behind a delimiter, so
//! the parts are found here.

use std::ops::Range;

use memchr::{memchr, memmem};

/// The maximum length of the text after the boundary in a delimiter line, in octets. It is reported
/// with the part, and RFC 5322 section 2.1.1 allows no longer lines.
const MAX_PADDING: usize = 998;

/// The positions of everything in a multipart, except delimiters and the line ends around them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Split {
    /// The text before the first part.
    pub(super) preamble: Range<usize>,
    /// At least one.
    pub(super) parts: Vec<Part>,
    /// The text after the last part.
    pub(super) epilogue: Range<usize>,
}

/// Where a part is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// The text after the boundary in the delimiter line before the part.
    pub(super) padding: Range<usize>,
    pub(super) octets: Range<usize>,
}

/// Splits the body of a multipart, if a part begins in it. The last part may be unterminated. After
/// `max` parts, the next one contains the whole rest.
///
/// Text may follow a delimiter after a blank. Text that follows without a blank is accepted only if
/// no part would begin otherwise: the boundary parameter may have been truncated.
pub(super) fn split(body: &[u8], boundary: &[u8], max: usize) -> Option<Split> {
    let delimiter = [b"--", boundary].concat();
    let exact = Delimiters {
        body,
        delimiter: &delimiter,
        suffix: b"",
    };
    exact.split(max).or_else(|| {
        let suffix = exact.suffix()?;
        Delimiters { suffix, ..exact }.split(max)
    })
}

#[derive(Clone, Copy)]
struct Delimiters<'a> {
    body: &'a [u8],
    /// Two hyphens and the boundary.
    delimiter: &'a [u8],
    /// The text that may follow the boundary without a blank.
    suffix: &'a [u8],
}

struct Line {
    /// The end of the part before it: the line end before the line belongs to the delimiter.
    before: usize,
    /// The start of the text after the delimiter.
    padding: usize,
    /// The start of the next part.
    after: usize,
    is_last: bool,
}

impl<'a> Delimiters<'a> {
    fn split(&self, max: usize) -> Option<Split> {
        let mut split = Split::default();
        let mut open: Option<Part> = None;
        for found in self.find() {
            let Some(line) = self.line_at(found) else {
                continue;
            };
            match open.take() {
                Some(mut part) => {
                    if split.parts.len() == max {
                        part.octets.end = self.body.len();
                        return Some(split.with(part));
                    }
                    part.octets.end = line.before.max(part.octets.start);
                    split.parts.push(part);
                }
                // A closing delimiter that closes nothing is text.
                None if line.is_last => continue,
                None => split.preamble = 0..line.before,
            }
            if line.is_last {
                split.epilogue = self.padding(&line).start..self.body.len();
                return Some(split);
            }
            open = Some(Part {
                padding: self.padding(&line),
                octets: line.after..line.after,
            });
        }
        let mut part = open?;
        part.octets.end = self.body.len();
        Some(split.with(part))
    }

    /// Positions where delimiters may be.
    fn find(&self) -> impl Iterator<Item = usize> {
        memmem::find_iter(self.body, self.delimiter)
    }

    /// The delimiter line, if the line found is one.
    fn line_at(&self, found: usize) -> Option<Line> {
        let before = match &self.body[..found] {
            [] => 0,
            [.., b'\r', b'\n'] => found - 2,
            [.., b'\n'] => found - 1,
            _ => return None,
        };
        let tail = found + self.delimiter.len();
        let rest = &self.body[tail..];
        let end = memchr(b'\n', rest);
        let line = &rest[..end.unwrap_or(rest.len())];
        let bare = line.strip_prefix(self.suffix).unwrap_or(line);
        let (is_last, text) = match bare.strip_prefix(b"--") {
            Some(text) => (true, text),
            None => (false, bare),
        };
        let is_line = text.first().is_none_or(u8::is_ascii_whitespace)
            && (is_last || line.trim_ascii_end().len() <= MAX_PADDING);
        is_line.then(|| Line {
            before,
            // The suffix is reported too, but not the end of a line.
            padding: match bare.len() < line.len() {
                true => tail,
                false => tail + (line.len() - text.len()),
            },
            after: end.map_or(self.body.len(), |end| tail + end + 1),
            is_last,
        })
    }

    /// The text after a delimiter, if it is not blank.
    fn padding(&self, line: &Line) -> Range<usize> {
        let start = line.padding.min(line.after);
        let padding = &self.body[start..line.after];
        if line.is_last {
            let blank = padding.trim_ascii().is_empty();
            return if blank { line.after } else { start }..self.body.len();
        }
        let text = padding.trim_ascii_end();
        match text.trim_ascii_start().is_empty() {
            true => line.after..line.after,
            false => start..start + text.len(),
        }
    }

    /// The text after the boundary in the first line that begins like a delimiter.
    fn suffix(&self) -> Option<&'a [u8]> {
        let is_at_start = |found: &usize| *found == 0 || self.body[found - 1] == b'\n';
        self.find().filter(is_at_start).find_map(|found| {
            let tail = &self.body[found + self.delimiter.len()..];
            let end = tail.iter().position(u8::is_ascii_whitespace);
            let suffix = &tail[..end.unwrap_or(tail.len())];
            (!suffix.is_empty() && !suffix.starts_with(b"--")).then_some(suffix)
        })
    }
}

impl Split {
    /// With a last part that nothing follows.
    fn with(mut self, part: Part) -> Self {
        self.epilogue = part.octets.end..part.octets.end;
        self.parts.push(part);
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(body: &str, max: usize) -> Option<Vec<&str>> {
        let split = split(body.as_bytes(), b"b", max)?;
        let parts = split.parts.into_iter();
        Some(parts.map(|part| &body[part.octets]).collect())
    }

    #[test]
    fn delimiters_are_lines() {
        for (body, expected) in [
            ("", None),
            ("text", None),
            (" --b\r\nx", None),
            ("--b\r\n1\r\n--b\r\n2\r\n--b--\r\n3", Some(&["1", "2"][..])),
            ("pre\r\n--b \r\n1\r\n\r\n--b--", Some(&["1\r\n"])),
            ("--b\n1\n--b\n\n--b--\n", Some(&["1", ""])),
            ("--b\r\n--b\r\n--bc\r\n--b--", Some(&["", "--bc"])),
            ("--b\r\n1\r\n", Some(&["1\r\n"])),
            ("--b", Some(&[""])),
            // A closing delimiter that closes nothing.
            ("--b--", None),
            ("--b--\r\ntext", None),
            ("--b--\r\n--b\r\n1\r\n--b--", Some(&["1"])),
            // Text after a delimiter.
            ("--b junk\r\n1\r\n--b-- junk", Some(&["1"])),
            ("--b\tjunk\r\n1\r\n--b\r\n2", Some(&["1", "2"])),
            ("--bjunk\r\n1\r\n--b--", Some(&["1"])),
            // A truncated boundary parameter.
            ("--bcd\r\n1\r\n--bcd\r\n2\r\n--bcd--\r\n", Some(&["1", "2"])),
        ] {
            assert_eq!(parts(body, 9).as_deref(), expected, "{body:?}");
        }
    }

    #[test]
    fn what_is_around_the_parts_is_told() {
        for (body, preamble, paddings, epilogue) in [
            ("--b\r\n1\r\n--b--", "", &[""][..], ""),
            ("pre\r\n--b\r\n1\r\n--b--\r\nepi", "pre", &[""], "epi"),
            ("--b--\r\n--b\r\n1\r\n--b--\r\n", "--b--", &[""], ""),
            (
                "--b x y \r\n1\r\n--b-- z\r\nepi",
                "",
                &[" x y"],
                " z\r\nepi",
            ),
            ("--bx\r\n1\r\n--b--\r\n", "", &["x"], ""),
            ("--bx\r\n1\r\n--bx--\r\nepi", "", &["x"], "x--\r\nepi"),
            ("--b\r\n1\r\n--b\r\n2", "", &["", ""], ""),
        ] {
            let split = split(body.as_bytes(), b"b", 9).unwrap();
            assert_eq!(&body[split.preamble], preamble, "{body:?}");
            assert_eq!(&body[split.epilogue], epilogue, "{body:?}");
            let found = split.parts.iter().map(|part| &body[part.padding.clone()]);
            assert_eq!(found.collect::<Vec<_>>(), paddings, "{body:?}");
        }
    }

    #[test]
    fn what_is_longer_than_a_line_is_no_delimiter() {
        for (padding, count) in [
            ("x".repeat(997), 2),
            ("x".repeat(998), 1),
            (" ".repeat(2000), 2),
        ] {
            let body = format!("--b\r\n1\r\n--b {padding}\r\n2\r\n--b-- {padding}x\r\n");
            let parts = parts(&body, 9);
            assert_eq!(parts.map(|parts| parts.len()), Some(count));
        }
    }

    #[test]
    fn what_is_too_much_stays_together() {
        let body = "--b\r\n1\r\n--b\r\n2\r\n--b\r\n3\r\n--b--\r\n";
        let rest = "2\r\n--b\r\n3\r\n--b--\r\n";
        assert_eq!(parts(body, 1), Some(vec!["1", rest]));
        assert_eq!(parts(body, 3), Some(vec!["1", "2", "3"]));
    }

    proptest! {
        /// Between the reported ranges there are only delimiters, blanks and line ends.
        #[test]
        fn every_octet_is_somewhere(
            pieces in proptest::collection::vec(proptest::sample::select(vec![
                "--b", "--b--", "--", "b", " ", "\t", "\r\n", "\n", "x", "--bx", "--b--x", "-", "\r",
            ]), 0..30),
            max in 0_usize..4,
        ) {
            let body = pieces.concat();
            if let Some(split) = split(body.as_bytes(), b"b", max) {
                let mut ranges = vec![split.preamble];
                for part in split.parts {
                    ranges.extend([part.padding, part.octets]);
                }
                ranges.push(split.epilogue);
                ranges.push(body.len()..body.len());
                let mut end = 0;
                for range in ranges {
                    prop_assert!(range.start >= end, "{body:?}: {range:?}");
                    let between = body[end..range.start].trim();
                    prop_assert!(["", "--b", "--b--"].contains(&between), "{body:?}: {between:?}");
                    end = range.end;
                }
            }
        }
    }
}
