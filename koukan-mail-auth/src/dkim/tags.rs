//! Lists of tags: RFC 6376 section 3.2.

/// The tags of a list by their names, each there once.
#[derive(Debug, Default)]
pub(crate) struct Tags<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Tags<'a> {
    /// Reads a list; `None` where it is none, or has a tag twice.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut tags = Vec::new();
        let trim = |text: &'a str| text.trim_matches([' ', '\t', '\r', '\n']);
        for tag in text.split(';') {
            if trim(tag).is_empty() {
                continue;
            }
            let (name, value) = tag.split_once('=')?;
            let name = trim(name);
            let mut octets = name.bytes();
            let is_name = octets.next()?.is_ascii_alphabetic()
                && octets.all(|octet| octet.is_ascii_alphanumeric() || octet == b'_');
            if !is_name || tags.iter().any(|(known, _)| *known == name) {
                return None;
            }
            tags.push((name, trim(value)));
        }
        Some(Self(tags))
    }

    /// The value of a tag, without white space around it.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    }

    /// The name of the first tag.
    pub(crate) fn first(&self) -> Option<&'a str> {
        self.0.first().map(|(name, _)| *name)
    }
}

/// A text without white space, as of base64 that is folded.
pub(crate) fn without_space(text: &str) -> String {
    text.split([' ', '\t', '\r', '\n']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        let tags = Tags::parse(" v=1; a = x y\r\n\tz ;b=;c==; ").unwrap();
        let values = ["v", "a", "b", "c", "d"].map(|name| tags.get(name));
        assert_eq!(
            values,
            [Some("1"), Some("x y\r\n\tz"), Some(""), Some("="), None]
        );
        assert_eq!(tags.first(), Some("v"));
        for text in ["v", "v=1; v=1", "=1", "v-w=1", "1=1"] {
            assert!(Tags::parse(text).is_none(), "{text}");
        }
        assert_eq!(without_space("a b\r\n\tc"), "abc");
    }
}
