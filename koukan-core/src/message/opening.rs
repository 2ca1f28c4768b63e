//! How a message begins: whether a header field can be put directly before it.

/// How much of a line is searched for the colon of a header field: RFC 5322 section 2.1.1.
const LINE_MAX: usize = 998;
/// The longest [separator](Opening::separator), in octets.
pub const SEPARATOR_MAX: usize = 16;

/// Reads the start of a message until it is known how the message begins.
///
/// A field that is put before a message becomes part of its header section. If the message does not
/// begin with a header section, a separator is needed. Without it, the first line would continue the
/// field, or would be a malformed header field: [`Opening::separator`].
///
/// | it begins with | separator |
/// |---|---|
/// | a header field, or an empty line | none |
/// | a blank | an empty line: it is text, and would continue the field |
/// | `From ` and then a header field on the next line | a field name: it is the separator line of a mail folder |
/// | anything else, or nothing | an empty line: it is text |
///
/// *Source*: RFC 5322 sections 2.2 and 2.2.3; blanks before a colon are the old form of section 4.5.8.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    at: At,
    /// Octets of the line so far.
    length: usize,
    /// Whether this is the line after one that begins with `From `.
    is_second: bool,
}

/// Where in a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum At {
    #[default]
    Start,
    /// In what may be the name of a field, and whether that is `From` as yet.
    Name { is_from: bool },
    /// In blanks after the name.
    AfterName { is_from: bool },
    /// After a CR that begins a line.
    Cr,
    /// In a line that begins with `From `.
    FromLine,
    /// It is known.
    Known(Start),
}

/// What a message begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    Header,
    Folder,
    Text,
}

impl Opening {
    /// Whether nothing more needs to be read.
    pub fn is_known(&self) -> bool {
        matches!(self.at, At::Known(_))
    }

    /// Takes the next octets.
    pub fn look(&mut self, octets: &[u8]) {
        for octet in octets {
            if self.is_known() {
                return;
            }
            self.length += 1;
            self.at = match self.length {
                1..=LINE_MAX => self.next(*octet),
                _ => At::Known(Start::Text),
            };
        }
    }

    fn next(&mut self, octet: u8) -> At {
        let is_from = self.length <= 4 && b"From"[self.length - 1] == octet;
        match (self.at, octet) {
            (At::Start, b'\r') => At::Cr,
            (At::Start | At::Cr, b'\n') if !self.is_second => At::Known(Start::Header),
            (At::Start, b'!'..=b'9' | b';'..=b'~') => At::Name { is_from },
            (At::Name { is_from: was }, b'!'..=b'9' | b';'..=b'~') => At::Name {
                is_from: was && is_from,
            },
            (At::Name { .. } | At::AfterName { .. }, b':') => At::Known(match self.is_second {
                false => Start::Header,
                true => Start::Folder,
            }),
            (At::Name { is_from: was }, b' ' | b'\t') => At::AfterName {
                is_from: was && self.length == 5 && !self.is_second,
            },
            (at @ At::AfterName { .. }, b' ' | b'\t') => at,
            (At::AfterName { is_from: true }, octet) if octet != b'\n' => At::FromLine,
            (At::FromLine, b'\n') => {
                (self.is_second, self.length) = (true, 0);
                At::Start
            }
            (At::FromLine, _) => At::FromLine,
            _ => At::Known(Start::Text),
        }
    }

    /// The text between the field and a message that begins with these octets, or consists of them.
    pub fn separator(&self) -> &'static str {
        match self.at {
            At::Known(Start::Header) => "",
            At::Known(Start::Folder) => "X-Mailbox-Line: ",
            _ => "\r\n",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_tells() {
        let long_name = "a".repeat(997);
        let too_long_name = "a".repeat(998);
        for (message, separator) in [
            ("Subject: hi\r\n\r\nhello", ""),
            ("X:", ""),
            ("Subject \t: hi", ""),
            ("From: alice", ""),
            ("From : alice", ""),
            ("Fro", "\r\n"),
            ("\r\nhello", ""),
            ("\nhello", ""),
            ("", "\r\n"),
            ("\r", "\r\n"),
            ("\rx: y", "\r\n"),
            ("hello\r\n", "\r\n"),
            ("hello", "\r\n"),
            ("hello you: all\r\n", "\r\n"),
            (": x\r\n", "\r\n"),
            (" folded\r\nSubject: hi\r\n", "\r\n"),
            ("\tfolded", "\r\n"),
            (" \r\nSubject: hi\r\n", "\r\n"),
            ("Gr\u{fc}\u{df}e: an alle\r\n", "\r\n"),
            (&format!("{long_name}:"), ""),
            (&format!("{too_long_name}:"), "\r\n"),
            (
                "From alice Fri Jan  2 03:04\r\nSubject: hi\r\n",
                "X-Mailbox-Line: ",
            ),
            (
                "From alice Fri Jan  2 03:04\nSubject: hi\n",
                "X-Mailbox-Line: ",
            ),
            ("From here on\r\nthere is text: much\r\n", "\r\n"),
            ("From here on\r\n\r\nSubject: hi\r\n", "\r\n"),
            ("From here on\r\n folded: x\r\n", "\r\n"),
            ("From a\r\nFrom b\r\nSubject: hi\r\n", "\r\n"),
            ("From ", "\r\n"),
            ("From \r\nSubject: hi\r\n", "X-Mailbox-Line: "),
            ("from alice\r\nSubject: hi\r\n", "\r\n"),
            ("FromX alice\r\nSubject: hi\r\n", "\r\n"),
        ] {
            for step in [1, 2, 3, message.len().max(1)] {
                let mut opening = Opening::default();
                for piece in message.as_bytes().chunks(step) {
                    opening.look(piece);
                }
                assert_eq!(opening.separator(), separator, "{message:?} by {step}");
                assert!(separator.len() <= SEPARATOR_MAX);
            }
        }
    }

    #[test]
    fn no_more_is_looked_at_than_the_lines_that_matter() {
        for message in ["a".repeat(2000), format!("From {}", "a".repeat(2000))] {
            let mut opening = Opening::default();
            opening.look(message.as_bytes());
            assert!(opening.is_known());
        }
    }
}
