//! A header field that messages must have.

/// Its name, and words that it contains.
#[derive(Debug)]
pub(super) struct Field {
    name: String,
    words: Vec<String>,
}

impl Field {
    /// From a text like `Name`, or `Name: word word`.
    pub(super) fn new(text: &str) -> Self {
        let (name, words) = text.split_once(':').unwrap_or((text, ""));
        Self {
            name: name.to_owned(),
            words: words.split_whitespace().map(str::to_owned).collect(),
        }
    }

    /// Whether a header section has such a field with all the words.
    pub(super) fn is_in(&self, head: &[u8]) -> bool {
        let head = String::from_utf8_lossy(head);
        // Folded fields continue on lines that begin with a blank.
        let head = head.replace("\r\n\t", " ").replace("\r\n ", " ");
        let mut fields = head.split("\r\n").filter_map(|field| field.split_once(':'));
        fields.any(|(name, value)| {
            let is_this = name.eq_ignore_ascii_case(&self.name);
            is_this && self.words.iter().all(|word| value.contains(word.as_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Field;

    #[test]
    fn all_words_stand_in_one_field() {
        let field = Field::new("Authentication-Results: spf=pass dkim=pass");
        let is_in = |head: &str| field.is_in(head.as_bytes());
        assert!(is_in(
            "X: y\r\nAuthentication-Results: a; spf=pass b;\r\n\tdkim=pass\r\n\r\n"
        ));
        assert!(is_in(
            "authentication-results: a; dkim=pass;\r\n spf=pass\r\nX: y\r\n\r\n"
        ));
        for head in [
            "X: y\r\n\r\n",
            "Authentication-Results: a; spf=fail; dkim=pass\r\n\r\n",
            "Authentication-Results: spf=pass\r\nAuthentication-Results: dkim=pass\r\n\r\n",
            "X-Authentication-Results: spf=pass; dkim=pass\r\n\r\n",
            "Authentication-Results: a; spf=pass;\r\nX: dkim=pass\r\n\r\n",
        ] {
            assert!(!is_in(head), "{head}");
        }
    }
}
