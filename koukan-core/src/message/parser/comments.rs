//! Quotes and comments: RFC 5322 section 3.2.

/// Distinguishes characters within quotes and comments from others.
#[derive(Default)]
pub(super) struct Plain {
    is_quoted: bool,
    is_escaped: bool,
    comments: usize,
}

impl Plain {
    /// Whether the next character is outside quotes and comments, and does not begin or end one.
    pub(super) fn is_plain(&mut self, c: char) -> bool {
        let was_escaped = std::mem::replace(&mut self.is_escaped, false);
        match c {
            '\\' if !was_escaped && (self.is_quoted || self.comments > 0) => self.is_escaped = true,
            '"' if !was_escaped && self.comments == 0 => self.is_quoted = !self.is_quoted,
            '(' if !self.is_quoted && !was_escaped => self.comments += 1,
            ')' if self.comments > 0 && !was_escaped => {
                self.comments -= 1;
                return false;
            }
            _ => {}
        }
        !self.is_quoted && self.comments == 0
    }

    /// Whether the text after the last character is in quotes.
    pub(super) fn is_quoted(&self) -> bool {
        self.is_quoted
    }

    /// Whether the text after the last character is in a comment.
    pub(super) fn is_comment(&self) -> bool {
        self.comments > 0
    }
}

/// A text without its comments; the quotes stay.
pub(super) fn without_comments(text: &str) -> String {
    let mut plain = Plain::default();
    text.chars()
        .filter(|c| {
            let was_comment = plain.is_comment();
            plain.is_plain(*c);
            !was_comment && !plain.is_comment()
        })
        .collect()
}

/// The first position of a character outside quotes and comments.
pub(super) fn find_plain(text: &str, wanted: char) -> Option<usize> {
    let mut plain = Plain::default();
    let mut all = text.char_indices();
    let found = all.find(|(_, c)| plain.is_plain(*c) && *c == wanted);
    found.map(|(position, _)| position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_told_from_text() {
        for (text, expected, semicolon) in [
            ("a (b (c) d) e; f", "a  e; f", Some(13)),
            ("(a;b) c;d", " c;d", Some(7)),
            ("\"a (b);\" c", "\"a (b);\" c", None),
            ("a (b \\) c); d", "a ; d", Some(10)),
            ("a (b; c", "a ", None),
            ("a) b;", "a) b;", Some(4)),
        ] {
            assert_eq!(without_comments(text), expected, "{text}");
            assert_eq!(find_plain(text, ';'), semicolon, "{text}");
        }
    }
}
