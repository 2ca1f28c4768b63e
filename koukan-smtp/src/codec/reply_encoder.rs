//! Encodes replies.

use koukan_core::reply::{EnhancedCode, Reply};

/// The most octets in a reply line, with its CRLF.
///
/// *Source*: RFC 5321 section 4.5.3.1.5.
pub const LINE_MAX: usize = 512;

/// Digits in a reply code.
const CODE_LEN: usize = 3;

/// The most lines in a reply; further text that a stage has written is cut off.
const LINES_MAX: usize = 64;

/// Appends a reply to `out`, as one or more lines.
///
/// *Shape*: each line starts with the code and, if `with_enhanced`, the enhanced status code. Where the reply
/// has no enhanced code, the undefined code of its class is used, such as `5.0.0`; an intermediate reply has
/// none. Text that is too long is continued on another line. Characters other than printable ASCII become `?`,
/// since a client that has not asked for UTF-8 must not get any.
///
/// *Source*: RFC 5321 section 4.2.1; RFC 2034 section 4.
pub fn encode_reply(reply: &Reply, with_enhanced: bool, out: &mut Vec<u8>) {
    let mut start = out.len();
    push_number(reply.code().as_u16(), out);
    if with_enhanced && let Some(enhanced) = reply.enhanced().or_else(|| of_class(reply)) {
        out.push(b' ');
        push_number(enhanced.class().into(), out);
        out.push(b'.');
        push_number(enhanced.subject(), out);
        out.push(b'.');
        push_number(enhanced.detail(), out);
    }
    out.push(b' ');
    let prefix = start..out.len();
    let room = LINE_MAX - prefix.len() - "\r\n".len();
    let lines = reply.text().split('\n').flat_map(|line| Wrapped {
        rest: Some(line),
        room,
    });
    for (nth, line) in lines.take(LINES_MAX).enumerate() {
        if nth > 0 {
            // The line before is now not the last one.
            out[start + CODE_LEN] = b'-';
            start = out.len();
            out.extend_from_within(prefix.clone());
            out[start + CODE_LEN] = b' ';
        }
        match line
            .bytes()
            .fold(true, |is, octet| is & is_printable(octet))
        {
            true => out.extend_from_slice(line.as_bytes()),
            false => out.extend(line.chars().map(printable)),
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// The enhanced status code that says no more than the class of the reply code.
///
/// *Source*: RFC 3463 section 3.1, "other undefined status".
fn of_class(reply: &Reply) -> Option<EnhancedCode> {
    let class = reply.code().as_u16() / 100;
    EnhancedCode::new(u8::try_from(class).ok()?, 0, 0).ok()
}

/// A line of text in pieces of at most `room` octets, cut at spaces where possible.
struct Wrapped<'a> {
    rest: Option<&'a str>,
    room: usize,
}

impl<'a> Iterator for Wrapped<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.rest.take()?;
        if text.len() <= self.room {
            return Some(text);
        }
        let mut ends = (0..=self.room).rev();
        // A text is not cut within a character; `str::floor_char_boundary` needs Rust 1.91.
        let hard = ends.find(|end| text.is_char_boundary(*end))?;
        let space = memchr::memrchr(b' ', &text.as_bytes()[..=self.room]);
        let (end, next) = match space {
            Some(space) if space > 0 => (space, space + 1),
            _ => (hard, hard),
        };
        self.rest = Some(&text[next..]);
        Some(&text[..end])
    }
}

fn is_printable(octet: u8) -> bool {
    matches!(octet, b' '..=b'~' | b'\t')
}

fn printable(c: char) -> u8 {
    match u8::try_from(c) {
        Ok(octet) if is_printable(octet) => octet,
        _ => b'?',
    }
}

/// Appends a number of three digits at most, which all numbers in a reply have.
fn push_number(number: u16, out: &mut Vec<u8>) {
    let digits = [number / 100, number / 10 % 10, number % 10];
    let zeros = digits[..2].iter().take_while(|digit| **digit == 0).count();
    out.extend(digits[zeros..].iter().map(|digit| b'0' + *digit as u8));
}

#[cfg(test)]
mod tests {
    use koukan_core::reply::ReplyCode;

    use super::*;

    fn encode(reply: &Reply, with_enhanced: bool) -> String {
        let mut out = Vec::new();
        encode_reply(reply, with_enhanced, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn writes_one_line() {
        assert_eq!(encode(&Reply::ok(), true), "250 2.0.0 ok\r\n");
        assert_eq!(encode(&Reply::ok(), false), "250 ok\r\n");
        assert_eq!(encode(&Reply::ok().with_text(""), true), "250 2.0.0 \r\n");
        assert_eq!(
            encode(&Reply::start_mail_input(), true),
            "354 start mail input; end with <CRLF>.<CRLF>\r\n"
        );
    }

    #[test]
    fn a_reply_without_an_enhanced_code_gets_that_of_its_class() {
        for (code, with, without) in [
            (250, "250 2.0.0 x\r\n", "250 x\r\n"),
            (354, "354 x\r\n", "354 x\r\n"),
            (450, "450 4.0.0 x\r\n", "450 x\r\n"),
            (550, "550 5.0.0 x\r\n", "550 x\r\n"),
        ] {
            let reply = Reply::copied(ReplyCode::new(code).unwrap(), None, "x");
            assert_eq!(encode(&reply, true), with);
            assert_eq!(encode(&reply, false), without);
        }
        let lines = Reply::copied(ReplyCode::new(550).unwrap(), None, "no\nuser");
        assert_eq!(encode(&lines, true), "550-5.0.0 no\r\n550 5.0.0 user\r\n");
    }

    #[test]
    fn every_line_has_the_codes() {
        let reply = Reply::policy_refused().with_text("no\n\nbecause\u{e9}");
        assert_eq!(
            encode(&reply, true),
            "550-5.7.1 no\r\n550-5.7.1 \r\n550 5.7.1 because?\r\n"
        );
        assert_eq!(encode(&reply, false), "550-no\r\n550-\r\n550 because?\r\n");
    }

    #[test]
    fn long_text_goes_on_in_more_lines_and_ends() {
        for text in [
            "word ".repeat(400),
            "x".repeat(2000),
            "é".repeat(1000),
            "\n".repeat(1000),
        ] {
            let wire = encode(&Reply::ok().with_text(text), true);
            let lines: Vec<_> = wire.split_inclusive("\r\n").collect();
            assert!(lines.len() <= LINES_MAX);
            let (last, others) = lines.split_last().unwrap();
            assert!(last.starts_with("250 2.0.0 "));
            assert!(others.iter().all(|line| line.starts_with("250-2.0.0 ")));
            assert!(lines.iter().all(|line| line.len() <= LINE_MAX));
        }
        let exact = "x".repeat(LINE_MAX - "250 2.0.0 \r\n".len());
        assert_eq!(
            encode(&Reply::ok().with_text(exact.clone()), true).len(),
            LINE_MAX
        );
        let spaced = format!("{exact} y");
        assert_eq!(
            encode(&Reply::ok().with_text(spaced), true),
            format!("250-2.0.0 {exact}\r\n250 2.0.0 y\r\n")
        );
    }
}
