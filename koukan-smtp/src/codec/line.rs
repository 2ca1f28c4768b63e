//! Where a command line ends.

/// Finds command lines in what a client sent.
///
/// A line ends with CRLF only; blanks before the CRLF are ignored. A line that breaks the rules is
/// reported as soon as that is certain, and dropped up to the next CRLF, so that the line after it
/// is read correctly. Nothing of the broken line is kept meanwhile.
///
/// *Source*: RFC 5321 sections 2.3.8, 4.1.1 and 4.5.3.1.4.
#[derive(Debug, Clone)]
pub struct LineFramer {
    max: usize,
    /// Octets at the front of the buffer that are known to hold no LF.
    scanned: usize,
    skipping: Option<Skipping>,
}

/// The result of looking at the front of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framed<'a> {
    /// Octets to take off the front of the buffer once the line has been used.
    pub consumed: usize,
    /// A whole line without its CRLF and the blanks before the CRLF, or what is wrong with it;
    /// `None` when more octets are needed.
    pub line: Option<Result<&'a [u8], BrokenLine<'a>>>,
}

/// A line that is not a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokenLine<'a> {
    /// Why it is not.
    pub error: LineError,
    /// Those octets of its start that have arrived: they show what the line was meant to be.
    pub start: &'a [u8],
}

/// Why a line is not a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// The line has more octets than allowed.
    #[error("command line too long")]
    TooLong,
    /// The line holds a CR or LF that is not part of a CRLF.
    #[error("bare CR or LF in a command line")]
    BareLineEnd,
    /// The line holds a control character. TABs behind the first word and at the end are allowed.
    #[error("control character in a command line")]
    ControlOctet,
}

/// The rest of a refused line is being dropped.
#[derive(Debug, Clone, Copy)]
struct Skipping {
    is_after_cr: bool,
}

impl LineFramer {
    /// Makes a framer for lines of up to `max` octets, the CRLF included.
    pub fn new(max: usize) -> Self {
        Self {
            max,
            scanned: 0,
            skipping: None,
        }
    }

    /// Looks for a line at the front of `buffer`.
    ///
    /// *Shape*: before the next call the caller removes [`Framed::consumed`] octets from the front,
    /// also where there is no line yet. Otherwise it only appends.
    pub fn next_line<'a>(&mut self, buffer: &'a [u8]) -> Framed<'a> {
        self.next_line_within(buffer, self.max)
    }

    /// Like [`next_line`](Self::next_line), but this line may have up to `max` octets.
    pub fn next_line_within<'a>(&mut self, buffer: &'a [u8], max: usize) -> Framed<'a> {
        let skipped = match self.skip(buffer) {
            Some(skipped) => skipped,
            None => return Framed::nothing(buffer.len()),
        };
        let rest = &buffer[skipped..];
        if rest.first().is_some_and(is_never_first) {
            self.scanned = 0;
            return self.broken(LineError::ControlOctet, &rest[..1], skipped);
        }
        let Some(lf) = memchr::memchr(b'\n', &rest[self.scanned..]).map(|at| at + self.scanned)
        else {
            return self.without_end(rest, skipped, max);
        };
        self.scanned = 0;
        let is_crlf = lf > 0 && rest[lf - 1] == b'\r';
        if !is_crlf {
            self.skipping = Some(Skipping { is_after_cr: false });
        }
        let start = &rest[..lf - usize::from(is_crlf)];
        let broken = |error| Err(BrokenLine { error, start });
        let line = match lf + 1 {
            octets if octets > max => broken(LineError::TooLong),
            _ if !is_crlf => broken(LineError::BareLineEnd),
            _ => check_octets(trim_end(start)).or_else(broken),
        };
        Framed {
            consumed: skipped + lf + 1,
            line: Some(line),
        }
    }

    /// Scans to the end of a refused line; `None` if the end is not in the buffer yet.
    fn skip(&mut self, buffer: &[u8]) -> Option<usize> {
        let Some(Skipping { mut is_after_cr }) = self.skipping else {
            return Some(0);
        };
        for lf in memchr::memchr_iter(b'\n', buffer) {
            let is_crlf = match lf {
                0 => is_after_cr,
                _ => buffer[lf - 1] == b'\r',
            };
            if is_crlf {
                self.skipping = None;
                return Some(lf + 1);
            }
        }
        if let Some(last) = buffer.last() {
            is_after_cr = *last == b'\r';
        }
        self.skipping = Some(Skipping { is_after_cr });
        None
    }

    fn without_end<'a>(&mut self, rest: &'a [u8], skipped: usize, max: usize) -> Framed<'a> {
        if rest.len() < max {
            self.scanned = rest.len();
            return Framed::nothing(skipped);
        }
        self.scanned = 0;
        self.broken(LineError::TooLong, rest, skipped)
    }

    /// Reports a line of which only `start` has arrived, and drops the rest of it.
    fn broken<'a>(&mut self, error: LineError, start: &'a [u8], skipped: usize) -> Framed<'a> {
        self.skipping = Some(Skipping {
            is_after_cr: start.last() == Some(&b'\r'),
        });
        Framed {
            consumed: skipped + start.len(),
            line: Some(Err(BrokenLine { error, start })),
        }
    }
}

impl Framed<'_> {
    fn nothing(consumed: usize) -> Self {
        Self {
            consumed,
            line: None,
        }
    }
}

/// Whether no command line can begin with this octet. This detects protocols that have no lines,
/// such as TLS; for those, waiting for the end of the line would never end.
fn is_never_first(octet: &u8) -> bool {
    octet.is_ascii_control() && !b"\r\n\t".contains(octet)
}

/// *Source*: RFC 5321 section 4.1.1 asks servers to tolerate white space at the end of a line.
fn trim_end(line: &[u8]) -> &[u8] {
    let is_text = |octet: &u8| !b" \t".contains(octet);
    let end = line.iter().rposition(is_text).map_or(0, |last| last + 1);
    &line[..end]
}

fn check_octets(line: &[u8]) -> Result<&[u8], LineError> {
    match line.iter().find(|octet| octet.is_ascii_control()) {
        None => Ok(line),
        Some(b'\r') => Err(LineError::BareLineEnd),
        Some(b'\t') if is_tab_apart(line) => Ok(line),
        Some(_) => Err(LineError::ControlOctet),
    }
}

/// Whether the only control characters are TABs between the first word and the others. Some clients
/// write commands that way.
fn is_tab_apart(line: &[u8]) -> bool {
    let is_blank = |octet: &u8| b" \t".contains(octet);
    let Some(verb) = line.iter().position(is_blank) else {
        return false;
    };
    let (verb, argument) = line.split_at(verb);
    let mut octets = verb
        .iter()
        .chain(argument.iter().skip_while(|octet| is_blank(octet)));
    !verb.is_empty() && !octets.any(u8::is_ascii_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use LineError::{BareLineEnd, ControlOctet, TooLong};

    /// All lines, feeding the octets in pieces of `step`.
    fn lines(octets: &[u8], step: usize) -> Vec<Result<Vec<u8>, LineError>> {
        let mut framer = LineFramer::new(16);
        let (mut buffer, mut found) = (Vec::new(), Vec::new());
        for piece in octets.chunks(step) {
            buffer.extend_from_slice(piece);
            loop {
                let Framed { consumed, line } = framer.next_line(&buffer);
                let line = line.map(|line| line.map(<[u8]>::to_vec).map_err(|line| line.error));
                buffer.drain(..consumed);
                match line {
                    Some(line) => found.push(line),
                    None => break,
                }
            }
            assert!(buffer.len() <= 16, "keeps {} octets", buffer.len());
        }
        found
    }

    #[test]
    fn only_crlf_ends_a_line() {
        type Case = (&'static [u8], &'static [Result<&'static str, LineError>]);
        let cases: [Case; 15] = [
            (b"NOOP\r\nQUIT\r\n", &[Ok("NOOP"), Ok("QUIT")]),
            (b"\r\n\r\n", &[Ok(""), Ok("")]),
            (b"NOOP", &[]),
            (b"NOOP\r", &[]),
            (b"A\nB\r\nC\r\n", &[Err(BareLineEnd), Ok("C")]),
            (b"\nB\n\r\nC\r\n", &[Err(BareLineEnd), Ok("C")]),
            (b"A\rB\r\nC\r\n", &[Err(BareLineEnd), Ok("C")]),
            (b"A\r\r\nC\r\n", &[Err(BareLineEnd), Ok("C")]),
            (
                b"A\0B\r\n\tC\r\nD\r\n",
                &[Err(ControlOctet), Err(ControlOctet), Ok("D")],
            ),
            ("größe\r\n".as_bytes(), &[Ok("größe")]),
            (b"A \t\r\n\t \r\n", &[Ok("A"), Ok("")]),
            (b"A\tB\t\r\nC\r\n", &[Ok("A\tB"), Ok("C")]),
            (b"A \t B\r\nA B\tC\r\n", &[Ok("A \t B"), Err(ControlOctet)]),
            (
                b"A\tB\tC\r\nA\tB\0\r\n",
                &[Err(ControlOctet), Err(ControlOctet)],
            ),
            (b"\x16\x03\nA\rB\r\nC\r\n", &[Err(ControlOctet), Ok("C")]),
        ];
        for (octets, expected) in cases {
            for step in 1..=octets.len() {
                let found = lines(octets, step);
                let expected: Vec<_> = expected
                    .iter()
                    .map(|line| line.map(|line| line.as_bytes().to_vec()))
                    .collect();
                assert_eq!(found, expected, "{octets:?} in steps of {step}");
            }
        }
    }

    #[test]
    fn a_broken_line_tells_what_it_was_meant_to_be() {
        for (octets, error, start) in [
            (&b"BDAT 5\tLAST\r\n"[..], ControlOctet, &b"BDAT 5\tLAST"[..]),
            (b"GET /\nHost: x\r\n", BareLineEnd, b"GET /"),
            (b"GET /90123456789012", TooLong, b"GET /90123456789012"),
            (b"\x16", ControlOctet, b"\x16"),
        ] {
            let found = LineFramer::new(16).next_line(octets).line;
            assert_eq!(found, Some(Err(BrokenLine { error, start })));
        }
    }

    #[test]
    fn a_line_too_long_is_one_error_and_is_not_kept() {
        let fits = b"12345678901234\r\nC\r\n";
        let over = b"123456789012345\r\nC\r\n";
        let far_over = b"1234567890123456789012345678901234567890\rA\nB\r\nC\r\n";
        let with_late_lf = b"1234567890123456\nNOOP\r\nC\r\n";
        for step in 1..40 {
            assert_eq!(
                lines(fits, step),
                [Ok(b"12345678901234".to_vec()), Ok(b"C".to_vec())]
            );
            for octets in [&over[..], far_over, with_late_lf] {
                assert_eq!(
                    lines(octets, step),
                    [Err(TooLong), Ok(b"C".to_vec())],
                    "{step}"
                );
            }
        }
    }
}
