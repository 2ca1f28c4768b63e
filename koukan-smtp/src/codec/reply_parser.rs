//! Reads replies off the bytes that a server sends.

use bytes::{Buf, BytesMut};
use koukan_core::reply::{EnhancedCode, Reply, ReplyCode};

/// Octets in a line at most, line end included. RFC 5321 section 4.5.3.1.5 asks for 512; real
/// servers send more.
const LINE_MAX: usize = 4096;
/// Lines in a reply at most.
const LINES_MAX: usize = 128;
/// Octets of text in a reply at most.
const TEXT_MAX: usize = 64 * 1024;

/// Parses replies out of a buffer that grows as bytes arrive.
///
/// *Shape*: lines may end with a bare LF. An enhanced code at the start of the text is taken off
/// where its class agrees with the reply code; what is not UTF-8 becomes `?`.
///
/// *Source*: RFC 5321 section 4.2, RFC 2034 section 4.
///
/// # Example
///
/// ```
/// use bytes::BytesMut;
/// use koukan_smtp::codec::ReplyParser;
///
/// let mut parser = ReplyParser::default();
/// let mut input = BytesMut::from("250-2.1.5 fi");
/// assert_eq!(parser.parse(&mut input), Ok(None));
/// input.extend_from_slice(b"ne\r\n250 2.1.5 really\r\n354 go");
/// let reply = parser.parse(&mut input)?.expect("a whole reply");
/// assert_eq!(reply.to_string(), "250 2.1.5 fine / really");
/// assert_eq!(parser.parse(&mut input), Ok(None));
/// # Ok::<(), koukan_smtp::codec::InvalidReply>(())
/// ```
#[derive(Debug, Default)]
pub struct ReplyParser {
    /// Octets at the front of the input that hold no line end, so are not searched again.
    searched: usize,
    /// The lines so far of a reply that goes on.
    lines: Option<Lines>,
}

/// What a server sent is not a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidReply {
    /// A line does not start with a code from 200 to 599 and then a space, a hyphen or its end.
    #[error("line does not start with a reply code")]
    Code,
    /// The lines of one reply have different codes.
    #[error("lines of one reply have different codes")]
    CodesDiffer,
    /// A line has more than 4096 octets.
    #[error("reply line longer than 4096 octets")]
    LineTooLong,
    /// A reply has more than 128 lines or 64 KiB.
    #[error("reply longer than 128 lines or 64 KiB")]
    TooLong,
}

#[derive(Debug)]
struct Lines {
    code: ReplyCode,
    enhanced: Option<EnhancedCode>,
    text: String,
    count: usize,
}

struct Line<'a> {
    code: ReplyCode,
    is_last: bool,
    text: &'a [u8],
}

// === impl ReplyParser ===

impl ReplyParser {
    /// Takes the next whole reply off the front of `input`; `None` asks for more bytes.
    ///
    /// Between two calls, `input` may only grow at its end.
    ///
    /// # Errors
    ///
    /// [`InvalidReply`] where the bytes are no reply; nothing after them can be trusted.
    pub fn parse(&mut self, input: &mut BytesMut) -> Result<Option<Reply>, InvalidReply> {
        while let Some(length) = self.line_length(input)? {
            let line = Line::parse(without_line_end(&input[..length]))?;
            let reply = self.take_line(line)?;
            input.advance(length);
            self.searched = 0;
            if reply.is_some() {
                return Ok(reply);
            }
        }
        Ok(None)
    }

    /// Whether a reply has begun and not ended.
    pub fn is_amid_reply(&self) -> bool {
        self.lines.is_some()
    }

    /// Octets of the first line, if it is there to its end.
    fn line_length(&mut self, input: &[u8]) -> Result<Option<usize>, InvalidReply> {
        let end = memchr::memchr(b'\n', &input[self.searched..]);
        let length = end.map(|position| self.searched + position + 1);
        if length.unwrap_or(input.len()) > LINE_MAX {
            return Err(InvalidReply::LineTooLong);
        }
        self.searched = input.len();
        Ok(length)
    }

    fn take_line(&mut self, line: Line<'_>) -> Result<Option<Reply>, InvalidReply> {
        let Some(lines) = &mut self.lines else {
            let lines = Lines::start(&line);
            if line.is_last {
                return Ok(Some(lines.into_reply()));
            }
            self.lines = Some(lines);
            return Ok(None);
        };
        lines.add(&line)?;
        if line.is_last {
            return Ok(self.lines.take().map(Lines::into_reply));
        }
        Ok(None)
    }
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

// === impl Line ===

impl<'a> Line<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, InvalidReply> {
        let (digits, rest) = line.split_at_checked(3).ok_or(InvalidReply::Code)?;
        let (is_last, text) = match rest {
            [] => (true, rest),
            [b' ', text @ ..] => (true, text),
            [b'-', text @ ..] => (false, text),
            _ => return Err(InvalidReply::Code),
        };
        let code = digits.iter().try_fold(0, |number: u16, digit| {
            digit
                .is_ascii_digit()
                .then(|| number * 10 + u16::from(digit - b'0'))
        });
        let code = code.and_then(|code| ReplyCode::new(code).ok());
        Ok(Self {
            code: code.ok_or(InvalidReply::Code)?,
            is_last,
            text,
        })
    }

    /// Splits an enhanced code off that agrees with the reply code.
    fn split_enhanced(&self) -> Option<(EnhancedCode, &'a [u8])> {
        let end = memchr::memchr(b' ', self.text).unwrap_or(self.text.len());
        let word = std::str::from_utf8(&self.text[..end]).ok()?;
        let enhanced: EnhancedCode = word.parse().ok()?;
        let agrees = u16::from(enhanced.class()) == self.code.as_u16() / 100;
        let rest = self.text.get(end + 1..).unwrap_or_default();
        agrees.then_some((enhanced, rest))
    }
}

// === impl Lines ===

impl Lines {
    fn start(line: &Line<'_>) -> Self {
        let (enhanced, text) = match line.split_enhanced() {
            Some((enhanced, text)) => (Some(enhanced), text),
            None => (None, line.text),
        };
        let mut lines = Self {
            code: line.code,
            enhanced,
            text: String::with_capacity(text.len()),
            count: 1,
        };
        lines.push_lossy(text);
        lines
    }

    fn add(&mut self, line: &Line<'_>) -> Result<(), InvalidReply> {
        if line.code != self.code {
            return Err(InvalidReply::CodesDiffer);
        }
        // An enhanced code other than the first line's is left in the text rather than lost.
        let text = match line.split_enhanced() {
            Some((enhanced, text)) if self.enhanced == Some(enhanced) => text,
            _ => line.text,
        };
        self.count += 1;
        self.text.push('\n');
        self.push_lossy(text);
        if self.count > LINES_MAX || self.text.len() > TEXT_MAX {
            return Err(InvalidReply::TooLong);
        }
        Ok(())
    }

    fn push_lossy(&mut self, text: &[u8]) {
        for chunk in text.utf8_chunks() {
            self.text.push_str(chunk.valid());
            if !chunk.invalid().is_empty() {
                self.text.push('?');
            }
        }
    }

    fn into_reply(self) -> Reply {
        Reply::new(self.code, self.enhanced, self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All replies in `input`, which arrives in pieces that end at the `cuts`.
    fn parse_in_pieces(input: &[u8], cuts: &[usize]) -> Result<Vec<Reply>, InvalidReply> {
        let mut parser = ReplyParser::default();
        let (mut buffer, mut replies, mut start) = (BytesMut::new(), Vec::new(), 0);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (input.len() + 1)).collect();
        cuts.sort_unstable();
        for end in cuts.into_iter().chain([input.len()]) {
            buffer.extend_from_slice(&input[start..end]);
            start = end;
            while let Some(reply) = parser.parse(&mut buffer)? {
                replies.push(reply);
            }
        }
        Ok(replies)
    }

    fn parse(input: &str) -> Result<Vec<String>, InvalidReply> {
        let replies = parse_in_pieces(input.as_bytes(), &[])?;
        Ok(replies.iter().map(Reply::to_string).collect())
    }

    #[test]
    fn reads_what_servers_send() {
        for (input, replies) in [
            ("250 ok\r\n", vec!["250 ok"]),
            ("250\r\n", vec!["250 "]),
            ("250 \n", vec!["250 "]),
            ("250-a\n250-\n250 c\n", vec!["250 a /  / c"]),
            ("550 5.1.1 no\r\n", vec!["550 5.1.1 no"]),
            ("550 5.1.1\r\n", vec!["550 5.1.1 "]),
            ("550-5.1.1 a\r\n550 5.1.1 b\r\n", vec!["550 5.1.1 a / b"]),
            (
                "550-5.1.1 a\r\n550 5.1.2 b\r\n",
                vec!["550 5.1.1 a / 5.1.2 b"],
            ),
            ("550-a\r\n550 5.1.1 b\r\n", vec!["550 a / 5.1.1 b"]),
            ("250 4.2.1 odd\r\n", vec!["250 4.2.1 odd"]),
            ("354 2.0.0 odd\r\n", vec!["354 2.0.0 odd"]),
            ("250 a\rb\r\n", vec!["250 a?b"]),
            ("250 a\r\n354 b\r\n", vec!["250 a", "354 b"]),
        ] {
            let replies = replies.into_iter().map(str::to_owned).collect();
            assert_eq!(parse(input), Ok(replies), "{input:?}");
        }
    }

    #[test]
    fn refuses_what_is_no_reply() {
        let long_line = format!("250 {}\r\n", "x".repeat(LINE_MAX));
        let many_lines = "250-x\r\n".repeat(LINES_MAX + 1);
        let much_text = format!("250-{}\r\n", "x".repeat(4000)).repeat(17);
        for (input, error) in [
            ("HTTP/1.1 200\r\n", InvalidReply::Code),
            ("\r\n", InvalidReply::Code),
            ("25 x\r\n", InvalidReply::Code),
            ("2500 x\r\n", InvalidReply::Code),
            ("199 x\r\n", InvalidReply::Code),
            ("600 x\r\n", InvalidReply::Code),
            ("+25 x\r\n", InvalidReply::Code),
            ("250-a\r\n251 b\r\n", InvalidReply::CodesDiffer),
            (&long_line, InvalidReply::LineTooLong),
            (&long_line[..LINE_MAX + 1], InvalidReply::LineTooLong),
            (&many_lines, InvalidReply::TooLong),
            (&much_text, InvalidReply::TooLong),
        ] {
            assert_eq!(parse(input), Err(error), "{:.20?}", input);
        }
    }

    #[test]
    fn invalid_utf8_becomes_a_question_mark() {
        let replies = parse_in_pieces(b"250 \xc3\xa9\xff!\r\n", &[]).unwrap();
        assert_eq!(replies[0].text(), "é?!");
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            input in "((250|354|550)[ -](5\\.1\\.1 |2\\.0\\.0 )?[a-z\r]{0,6}\r?\n){0,6}",
            cuts in prop::collection::vec(0_usize..200, 0..8),
        ) {
            prop_assert_eq!(
                parse_in_pieces(input.as_bytes(), &cuts),
                parse_in_pieces(input.as_bytes(), &[])
            );
        }

        #[test]
        fn nothing_makes_it_panic(
            input in prop::collection::vec(any::<u8>(), 0..64),
            cuts in prop::collection::vec(0_usize..64, 0..4),
        ) {
            let _ = parse_in_pieces(&input, &cuts);
        }
    }
}
