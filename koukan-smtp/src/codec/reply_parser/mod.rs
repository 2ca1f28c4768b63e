//! Reads replies from the octets that a server sends.

mod line;
mod lines;

use bytes::{Buf, BytesMut};
use koukan_core::reply::Reply;

use self::{
    line::{Line, readable},
    lines::Lines,
};

/// Octets of a line that are kept. RFC 5321 section 4.5.3.1.5 asks for 512; real servers send more.
const LINE_MAX: usize = 4096;
/// Lines of a reply whose text is kept.
const LINES_MAX: usize = 128;
/// Octets of text of a reply that are kept.
const TEXT_MAX: usize = 64 * 1024;
/// A reply with more octets is taken for one that never ends.
const OCTETS_MAX: usize = 1024 * 1024;

/// Parses replies from a buffer that grows as octets arrive.
///
/// Some servers send replies that no RFC allows, and yet they accept the message. So the parser
/// reads whatever has a clear meaning. After a line that has none, it can still read the next
/// reply: a client must know how many replies there were.
///
/// *Shape*:
///
/// - Lines may end with a bare LF.
/// - An enhanced code at the start of the text is taken off where its class agrees with the reply
///   code; what is not UTF-8 becomes `?`.
/// - Where the lines of a reply have different codes, the last line's counts, and the reply carries
///   [`CodesDiffer`] as an extension.
/// - A line without a code is text if the reply's first line came before it.
/// - Of a line only the first 4096 octets are kept, of a reply 128 lines and 64 KiB of text.
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
    /// Octets at the front of the input that hold no line end, and are not searched again.
    searched: usize,
    /// Whether the rest of a line that is too long must be dropped when it arrives.
    is_skipping: bool,
    /// The lines so far of a reply that is incomplete.
    lines: Option<Lines>,
    /// Octets so far of a reply that is incomplete.
    octets: usize,
}

/// An extension of a [`Reply`] whose lines had different codes: some of the lines may belong to
/// another reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodesDiffer {
    /// Whether the codes differ in their first digit, so that the reply says both yes and no.
    pub in_class: bool,
}

/// What a server sent is not a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidReply {
    /// Where a reply was to begin, a line does not start with three digits followed by a space, a
    /// hyphen or the end of the line. The line was dropped; a reply may follow.
    #[error("line does not start with a reply code")]
    NoCode,
    /// A whole reply has a code outside 200 to 599. The reply was dropped; the next one may follow.
    #[error("{0} is no reply code")]
    Code(u16),
    /// A reply goes on for more than 1 MiB. Nothing that follows can be trusted.
    #[error("reply without an end")]
    Endless,
}

impl ReplyParser {
    /// Takes the next whole reply off the front of `input`; `None` when more octets are needed.
    ///
    /// Between two calls, `input` may only grow at its end.
    ///
    /// # Errors
    ///
    /// [`InvalidReply`] where the octets are not a reply. Except after [`InvalidReply::Endless`],
    /// the next call goes on with what follows.
    pub fn parse(&mut self, input: &mut BytesMut) -> Result<Option<Reply>, InvalidReply> {
        while let Some(length) = self.line_length(input) {
            self.octets += length;
            if self.octets > OCTETS_MAX {
                return Err(InvalidReply::Endless);
            }
            let is_whole = input[length - 1] == b'\n';
            self.searched = 0;
            if self.is_skipping {
                self.is_skipping = !is_whole;
                input.advance(length);
                continue;
            }
            self.is_skipping = !is_whole;
            let line = without_line_end(&input[..length]);
            let result = self.take_line(&line[..line.len().min(LINE_MAX)]);
            input.advance(length);
            if let Some(result) = result {
                self.octets = 0;
                return result.map(Some);
            }
        }
        Ok(None)
    }

    /// Takes a last line that has no line end because the connection was closed.
    ///
    /// # Errors
    ///
    /// The same as for [`ReplyParser::parse`].
    pub fn parse_end(&mut self, input: &mut BytesMut) -> Result<Option<Reply>, InvalidReply> {
        let is_cut = !self.is_skipping && Line::parse(input).is_some_and(|line| line.is_last);
        if !is_cut {
            return Ok(None);
        }
        input.extend_from_slice(b"\n");
        self.parse(input)
    }

    /// Whether a reply has begun but not ended.
    pub fn is_amid_reply(&self) -> bool {
        self.lines.is_some() || self.is_skipping
    }

    /// Octets of the first line, if its end has arrived or if it is already longer than what is kept.
    fn line_length(&mut self, input: &[u8]) -> Option<usize> {
        match memchr::memchr(b'\n', &input[self.searched..]) {
            Some(position) => Some(self.searched + position + 1),
            None if !input.is_empty() && (self.is_skipping || input.len() > LINE_MAX) => {
                Some(input.len())
            }
            None => {
                self.searched = input.len();
                None
            }
        }
    }

    /// Adds a line; returns the reply that it completes, if any.
    fn take_line(&mut self, line: &[u8]) -> Option<Result<Reply, InvalidReply>> {
        let parsed = Line::parse(line);
        let Some(lines) = &mut self.lines else {
            let Some(line) = parsed else {
                return Some(Err(InvalidReply::NoCode));
            };
            if line.is_last {
                return Some(line.to_reply());
            }
            self.lines = Some(Lines::start(&line));
            return None;
        };
        match parsed {
            Some(line) => lines.add(&line),
            None => lines.add_text(&readable(line)),
        }
        if parsed.is_some_and(|line| line.is_last) {
            return self.lines.take().map(Lines::into_reply);
        }
        None
    }
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
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
            ("250\ta\r\n", vec!["250 a"]),
            // A line without a code amid a reply.
            (
                "250-a\r\nPIPELINING\r\n250 b\r\n",
                vec!["250 a / PIPELINING / b"],
            ),
            // The last line's code counts.
            ("250-a\r\n251 b\r\n", vec!["251 a / b"]),
            ("250-2.1.5 a\r\n550 5.1.1 b\r\n", vec!["550 5.1.1 a / b"]),
            ("250-2.1.5 a\r\n550 b\r\n", vec!["550 a / b"]),
            ("550-a\r\n250 b\r\n", vec!["250 a / b"]),
            ("199-a\r\n250 b\r\n", vec!["250 a / b"]),
        ] {
            let replies = replies.into_iter().map(str::to_owned).collect();
            assert_eq!(parse(input), Ok(replies), "{input:?}");
        }
    }

    #[test]
    fn what_is_no_reply_does_not_hide_the_next_one() {
        for (nonsense, error) in [
            ("HTTP/1.1 200", InvalidReply::NoCode),
            ("", InvalidReply::NoCode),
            ("25 x", InvalidReply::NoCode),
            ("2500 x", InvalidReply::NoCode),
            ("+25 x", InvalidReply::NoCode),
            ("250x", InvalidReply::NoCode),
            ("199 x", InvalidReply::Code(199)),
            ("600 x", InvalidReply::Code(600)),
            ("000-x\r\n999 x", InvalidReply::Code(999)),
        ] {
            let mut parser = ReplyParser::default();
            let mut input = BytesMut::from(format!("{nonsense}\r\n250 ok\r\n").as_bytes());
            assert_eq!(parser.parse(&mut input), Err(error), "{nonsense:?}");
            let next = parser.parse(&mut input).unwrap().unwrap();
            assert_eq!(next.to_string(), "250 ok", "{nonsense:?}");
        }
    }

    #[test]
    fn replies_that_say_yes_and_no_are_marked() {
        for (input, in_class) in [
            ("250-a\r\n250 b\r\n", None),
            ("250-a\r\n251 b\r\n", Some(false)),
            ("250-a\r\n550 b\r\n", Some(true)),
            ("550-a\r\n250-b\r\n550 c\r\n", Some(true)),
        ] {
            let replies = parse_in_pieces(input.as_bytes(), &[]).unwrap();
            let mark = replies[0].extensions().get::<CodesDiffer>();
            assert_eq!(mark.map(|mark| mark.in_class), in_class, "{input:?}");
        }
    }

    #[test]
    fn of_long_lines_and_replies_the_start_is_kept() {
        let long_line = format!("250 {}\r\n354 go\r\n", "x".repeat(100_000));
        for cuts in [&[][..], &[5000, 9000, 100_006], &[4096], &[4097]] {
            let replies = parse_in_pieces(long_line.as_bytes(), cuts).unwrap();
            assert_eq!(replies[0].text().len(), LINE_MAX - 4, "{cuts:?}");
            assert_eq!(replies[1].to_string(), "354 go");
        }
        let many_lines = "250-x\r\n".repeat(1000) + "550 x\r\n";
        let reply = &parse_in_pieces(many_lines.as_bytes(), &[]).unwrap()[0];
        assert_eq!(reply.text().split('\n').count(), LINES_MAX);
        assert!(reply.is_permanent());
        let much_text = format!("250-{}\r\n", "x".repeat(4000)).repeat(100) + "250 x\r\n";
        let reply = &parse_in_pieces(much_text.as_bytes(), &[]).unwrap()[0];
        assert!(reply.text().len() <= TEXT_MAX);
    }

    #[test]
    fn a_reply_without_an_end_is_given_up() {
        for piece in ["250-x\r\n", "x"] {
            let mut parser = ReplyParser::default();
            let mut input = BytesMut::new();
            let mut fed = 0;
            let error = loop {
                input.extend_from_slice(piece.repeat(1000).as_bytes());
                fed += piece.len() * 1000;
                match parser.parse(&mut input) {
                    Ok(None) | Err(InvalidReply::NoCode) => assert!(fed < 2 * OCTETS_MAX),
                    result => break result.unwrap_err(),
                }
            };
            assert_eq!(error, InvalidReply::Endless);
        }
    }

    #[test]
    fn the_last_line_may_lack_its_end_where_the_connection_has_ended() {
        for (input, reply) in [
            ("250 queued", Some("250 queued")),
            ("250", Some("250 ")),
            ("250-a\r\n250 b", Some("250 a / b")),
            ("250-queued", None),
            ("25", None),
            ("", None),
        ] {
            let mut parser = ReplyParser::default();
            let mut buffer = BytesMut::from(input);
            assert_eq!(parser.parse(&mut buffer), Ok(None), "{input}");
            let end = parser.parse_end(&mut buffer).unwrap();
            assert_eq!(
                end.map(|reply| reply.to_string()).as_deref(),
                reply,
                "{input}"
            );
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
