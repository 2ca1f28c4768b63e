//! Header fields and other lines. No value can end them early.

use std::borrow::Cow;

use jiff::{Timestamp, fmt::rfc2822, tz::TimeZone};

use crate::beginning::beginning;

use super::form::{Form, escaped};

/// Octets of a line, without its end, where it can be folded.
const LINE: usize = 76;
/// Octets of a word, at most: a longer one is broken, since no line may be longer than 998 octets
/// (RFC 5322 section 2.1.1).
const WORD: usize = 900;

/// Text made of lines that end with CRLF.
#[derive(Debug)]
pub(super) struct Lines {
    text: String,
    form: Form,
}

impl Lines {
    pub(super) fn new(form: Form) -> Self {
        Self {
            text: String::new(),
            form,
        }
    }

    /// Adds a field, folded at spaces, in the form that fields may have.
    pub(super) fn field(&mut self, name: &str, value: &str) -> &mut Self {
        let value = clean(value);
        let value = self.form.text(&value);
        self.folded(&format!("{name}: {value}"), " ")
    }

    /// Adds a field with an address. Its blanks matter, since `"a b"@example.com` and
    /// `"a b"@example.com` are two mailboxes; so it is folded only where it is too long for a line.
    pub(super) fn address(&mut self, name: &str, value: &str) -> &mut Self {
        let line = value.replace(char::is_control, " ");
        let line = format!("{name}: {}", self.form.text(&line));
        match line.len() > WORD {
            true => self.field(name, value),
            false => self.line(&line),
        }
    }

    /// Adds paragraphs: each is a line of the text, and is broken at spaces. Text of others must
    /// have been [`clean`]ed.
    pub(super) fn paragraphs(&mut self, text: &str) -> &mut Self {
        for paragraph in text.split('\n') {
            self.folded(paragraph, "").blank();
        }
        self
    }

    /// Adds a field that is already folded and terminated.
    pub(super) fn whole(&mut self, field: &str) -> &mut Self {
        self.text.push_str(field);
        self
    }

    /// Adds a line as it is.
    pub(super) fn line(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self.text.push_str("\r\n");
        self
    }

    /// Adds an empty line.
    pub(super) fn blank(&mut self) -> &mut Self {
        self.line("")
    }

    pub(super) fn into_string(self) -> String {
        self.text
    }

    fn folded(&mut self, text: &str, indent: &str) -> &mut Self {
        let mut len = 0;
        for (number, word) in text.split(' ').flat_map(pieces).enumerate() {
            if number > 0 && len + 1 + word.len() > LINE {
                self.text.push_str("\r\n");
                self.text.push_str(indent);
                len = indent.len();
            } else if number > 0 {
                self.text.push(' ');
                len += 1;
            }
            self.text.push_str(word);
            len += word.len();
        }
        self.blank()
    }
}

/// A word, or the pieces of one that is too long.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(word);
    std::iter::from_fn(move || {
        let text = rest?;
        let (piece, others) = text.split_at(beginning(text, WORD).len());
        rest = Some(others).filter(|others| !others.is_empty());
        Some(piece)
    })
}

/// A line of text without control characters. Characters that change the direction of the
/// surrounding text are shown as escapes.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let is_space = |c: char| c.is_control() || matches!(c, ' ' | '\u{2028}' | '\u{2029}');
    let words: Vec<_> = text
        .split(is_space)
        .filter(|word| !word.is_empty())
        .collect();
    let line = words.join(" ");
    match line.contains(turns) {
        true => escaped(&line, turns).into(),
        false => line.into(),
    }
}

/// Whether it is an embedding, an override or an isolate of Unicode's bidirectional algorithm.
fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A date and time as RFC 5322 section 3.3 writes it, in UTC.
pub(super) fn date(time: Timestamp) -> String {
    let zoned = time.to_zoned(TimeZone::UTC);
    // Only years beyond 9999 cannot be written.
    rfc2822::to_string(&zoned).unwrap_or_else(|_| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_fold_and_cannot_be_broken_out_of() {
        let mut lines = Lines::new(Form::Ascii);
        lines.field("X-Long", &"word ".repeat(40));
        lines.field("X-Evil", "a\r\nBcc: b@example.com\0");
        let text = lines.into_string();
        assert!(text.lines().all(|line| line.len() <= 78), "{text}");
        assert!(text.lines().skip(1).any(|line| line.starts_with(" word")));
        assert!(text.contains("X-Evil: a Bcc: b@example.com\r\n"));
    }

    #[test]
    fn no_text_turns_what_is_around_it() {
        let text = "a\u{202e}b\u{2028}c\u{2029}d\u{2066}e\u{85}f";
        for form in [Form::Ascii, Form::Utf8] {
            let mut lines = Lines::new(form);
            lines.field("X-Evil", text).paragraphs(&clean(text));
            let shown = "a\\x{202E}b c d\\x{2066}e f";
            let expected = format!("X-Evil: {shown}\r\n{shown}\r\n\r\n");
            assert_eq!(lines.into_string(), expected);
        }
        // Marks and joiners are part of words.
        assert_eq!(clean("\u{200e}\u{200d}"), "\u{200e}\u{200d}");
    }

    #[test]
    fn blanks_of_an_address_count() {
        let mut lines = Lines::new(Form::Ascii);
        let address = format!("rfc822; \"a  b {}\"@example.com", "c ".repeat(50));
        lines.address("Final-Recipient", &address);
        lines.address("X-Evil", "a\r\nBcc: b@example.com");
        let text = lines.into_string();
        let expected = format!("Final-Recipient: {address}\r\nX-Evil: a  Bcc: b@example.com\r\n");
        assert_eq!(text, expected);
    }

    #[test]
    fn no_word_is_too_long_for_a_line() {
        for form in [Form::Ascii, Form::Utf8] {
            let mut lines = Lines::new(form);
            lines.field("X-Long", &"x".repeat(5000));
            lines.field("X-Umlauts", &"ü".repeat(5000));
            lines.address("X-Address", &"ü".repeat(5000));
            lines.paragraphs(&"ü".repeat(5000));
            let text = lines.into_string();
            assert!(text.lines().all(|line| line.len() <= 998), "{text}");
        }
    }

    #[test]
    fn dates_are_utc() {
        assert_eq!(
            date(Timestamp::UNIX_EPOCH),
            "Thu, 1 Jan 1970 00:00:00 +0000"
        );
    }
}
