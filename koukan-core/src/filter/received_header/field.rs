//! A header field that is folded between its clauses.

/// The recommended length of a line: RFC 5322 section 2.1.1.
const LINE: usize = 78;
/// Stands between lines, before the blank.
const FOLD: &str = "\r\n";

/// The size of most fields, in octets.
const USUAL: usize = 512;

/// A header field, clause by clause.
pub(super) struct Field {
    text: String,
    line: usize,
}

impl Field {
    pub(super) fn new(name: &str) -> Self {
        let mut text = String::with_capacity(USUAL);
        text.push_str(name);
        text.push(':');
        let line = text.len();
        Self { text, line }
    }

    /// Adds words, given in pieces, on one line if they fit.
    pub(super) fn clause(&mut self, pieces: &[&str]) {
        let start = self.text.len();
        self.text.push(' ');
        for piece in pieces {
            self.text.push_str(piece);
        }
        let clause = &self.text[start + 1..];
        if self.fits(clause) {
            self.line += 1 + clause.len();
        } else if clause.len() < LINE {
            let length = clause.len();
            if !self.text[..start].ends_with(':') {
                self.text.insert_str(start, FOLD);
                self.line = 0;
            }
            self.line += 1 + length;
        } else {
            let clause = clause.to_owned();
            self.text.truncate(start);
            clause.split(' ').for_each(|word| self.word(word));
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
        // One octet for the blank, one for a semicolon that may follow.
        self.line + words.len() + 2 <= LINE
    }

    /// Adds a word, on a new line if it does not fit.
    fn word(&mut self, word: &str) {
        if !self.fits(word) && !self.text.ends_with(':') {
            self.text.push_str(FOLD);
            self.line = 0;
        }
        self.text.push(' ');
        self.text.push_str(word);
        self.line += 1 + word.len();
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
            field.clause(&[clause.trim_end()]);
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
