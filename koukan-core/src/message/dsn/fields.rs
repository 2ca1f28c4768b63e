//! Header fields and other lines, with nothing in them that could end them early.

use jiff::{Timestamp, fmt::rfc2822, tz::TimeZone};

/// Octets of a line, without its end, where it can be folded.
const LINE: usize = 76;

/// Text made of lines that end with CRLF.
#[derive(Debug, Default)]
pub(super) struct Lines(String);

impl Lines {
    /// Adds a field, folded at spaces.
    pub(super) fn field(&mut self, name: &str, value: &str) -> &mut Self {
        self.folded(&format!("{name}: {}", clean(value)), " ")
    }

    /// Adds a paragraph, broken at spaces.
    pub(super) fn paragraph(&mut self, text: &str) -> &mut Self {
        self.folded(&clean(text), "").blank()
    }

    /// Adds a line as it is.
    pub(super) fn line(&mut self, text: &str) -> &mut Self {
        self.0.push_str(text);
        self.0.push_str("\r\n");
        self
    }

    /// Adds an empty line.
    pub(super) fn blank(&mut self) -> &mut Self {
        self.line("")
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }

    fn folded(&mut self, text: &str, indent: &str) -> &mut Self {
        let mut len = 0;
        for (number, word) in text.split(' ').enumerate() {
            if number > 0 && len + 1 + word.len() > LINE {
                self.0.push_str("\r\n");
                self.0.push_str(indent);
                len = indent.len();
            } else if number > 0 {
                self.0.push(' ');
                len += 1;
            }
            self.0.push_str(word);
            len += word.len();
        }
        self.blank()
    }
}

/// One line of text without control characters.
fn clean(text: &str) -> String {
    let words = text.split(|c: char| c.is_control() || c == ' ');
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
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
        let mut lines = Lines::default();
        lines.field("X-Long", &"word ".repeat(40));
        lines.field("X-Evil", "a\r\nBcc: b@example.com\0");
        let text = lines.into_string();
        assert!(text.lines().all(|line| line.len() <= 78), "{text}");
        assert!(text.lines().skip(1).any(|line| line.starts_with(" word")));
        assert!(text.contains("X-Evil: a Bcc: b@example.com\r\n"));
    }

    #[test]
    fn dates_are_utc() {
        assert_eq!(
            date(Timestamp::UNIX_EPOCH),
            "Thu, 1 Jan 1970 00:00:00 +0000"
        );
    }
}
