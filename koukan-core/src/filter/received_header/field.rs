//! A header field that is folded between its clauses.

/// The length of a line that should not be exceeded: RFC 5322 section 2.1.1.
const LINE: usize = 78;

/// A header field, clause by clause.
pub(super) struct Field {
    text: String,
    line: usize,
}

impl Field {
    pub(super) fn new(name: &str) -> Self {
        Self {
            text: format!("{name}:"),
            line: name.len() + 1,
        }
    }

    /// Adds words, on one line if they fit on one.
    pub(super) fn clause(&mut self, clause: &str) {
        if self.fits(clause) {
            self.word(clause);
        } else if clause.len() < LINE {
            self.fold();
            self.word(clause);
        } else {
            for word in clause.split(' ') {
                if !self.fits(word) {
                    self.fold();
                }
                self.word(word);
            }
        }
    }

    /// Adds `;` after the last clause.
    pub(super) fn semicolon(&mut self) {
        self.text.push(';');
        self.line += 1;
    }

    /// Ends the field.
    pub(super) fn end(mut self) -> String {
        self.text.push_str("\r\n");
        self.text
    }

    fn fits(&self, words: &str) -> bool {
        // One for the blank, one for the semicolon that may follow.
        self.line + words.len() + 2 <= LINE
    }

    fn word(&mut self, word: &str) {
        self.text.push(' ');
        self.text.push_str(word);
        self.line += 1 + word.len();
    }

    /// Starts a line, unless nothing but the name stands on this one.
    fn fold(&mut self) {
        if !self.text.ends_with(':') {
            self.text.push_str("\r\n");
            self.line = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_between_clauses_and_only_if_need_be_between_words() {
        let mut field = Field::new("X");
        for clause in [
            "one two",
            &"a".repeat(68),
            &"b ".repeat(40),
            &"c".repeat(90),
            "end",
        ] {
            field.clause(clause.trim_end());
        }
        field.semicolon();
        let text = field.end();
        let lines: Vec<_> = text.split("\r\n").collect();
        assert_eq!(lines[0], "X: one two");
        assert_eq!(lines[1], format!(" {} b b b b", "a".repeat(68)));
        assert_eq!(lines.last(), Some(&""));
        for line in &lines {
            assert!(line.len() <= LINE || line.contains("cc"), "{line}");
        }
        assert_eq!(lines[lines.len() - 2], " end;");
    }
}
