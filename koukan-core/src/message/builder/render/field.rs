//! Header fields in lines.

/// The maximum length of a foldable line without its end, in octets: RFC 5322 section 2.1.1.
pub(super) const LINE: usize = 78;
/// The maximum length of any line without its end, in octets: the same section.
pub(super) const LINE_MAX: usize = 998;

/// A header field that is folded as it is written.
pub(super) struct Field {
    text: String,
    column: usize,
}

impl Field {
    /// A field called `name`; a lower-case name gets its usual spelling.
    pub(super) fn new(name: &str) -> Self {
        let text = format!("{}:", usual_case(name));
        Self {
            column: text.len(),
            text,
        }
    }

    /// Adds a word that must not be broken, after a space.
    pub(super) fn word(&mut self, word: &str) -> &mut Self {
        self.word_after(" ", word)
    }

    /// Adds a word after a number of spaces.
    pub(super) fn word_after(&mut self, spaces: &str, word: &str) -> &mut Self {
        let length = spaces.len() + word.len();
        // The first word stays beside the name as long as the line is not too long for any line.
        let is_first = self.text.ends_with(':') && self.column == self.text.len();
        let is_too_long = self.column + length > if is_first { LINE_MAX } else { LINE };
        if is_too_long {
            self.fold();
        }
        self.text.push_str(spaces);
        self.text.push_str(word);
        self.column += length;
        self
    }

    /// Adds a word directly after the last one; on another line if the current one would exceed
    /// `line` octets.
    pub(super) fn beside(&mut self, word: &str, line: usize) -> &mut Self {
        match self.column + word.len() > line {
            true => self.word(word),
            false => self.append(word),
        }
    }

    /// Adds text to the last word.
    pub(super) fn append(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self.column += text.len();
        self
    }

    /// How many octets fit on the line, after a space.
    pub(super) fn room(&self, line: usize) -> usize {
        line.saturating_sub(self.column + 1)
    }

    /// Starts another line, which must begin with a space.
    pub(super) fn fold(&mut self) {
        self.text.push_str("\r\n");
        self.column = 0;
    }

    /// The field with its line end.
    pub(super) fn finish(mut self) -> String {
        self.text.push_str("\r\n");
        self.text
    }
}

/// `message-id` is better known as `Message-ID`.
fn usual_case(name: &str) -> String {
    if name.bytes().any(|octet| octet.is_ascii_uppercase()) {
        return name.to_owned();
    }
    let words: Vec<_> = name.split('-').map(usual_word).collect();
    words.join("-")
}

fn usual_word(word: &str) -> String {
    if let "arc" | "dkim" | "id" | "mime" | "spf" = word {
        return word.to_ascii_uppercase();
    }
    let mut word = word.to_owned();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_look_as_usual() {
        for (name, expected) in [
            ("subject", "Subject"),
            ("message-id", "Message-ID"),
            ("in-reply-to", "In-Reply-To"),
            ("x-mY-header", "x-mY-header"),
            ("dkim-signature", "DKIM-Signature"),
            ("-", "-"),
        ] {
            assert_eq!(usual_case(name), expected);
        }
    }

    #[test]
    fn lines_fold_between_words() {
        let mut field = Field::new("references");
        for _ in 0..9 {
            field.word("<0123456789@example.com>");
        }
        let text = field.finish();
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.lines().all(|line| line.len() <= 78), "{text}");
        assert!(
            text.lines().skip(1).all(|line| line.starts_with(" <")),
            "{text}"
        );
    }
}
