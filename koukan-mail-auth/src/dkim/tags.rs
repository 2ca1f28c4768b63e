//! Lists of tags: RFC 6376 section 3.2.

use std::collections::BTreeMap;

/// The tags of a list by name; each occurs once.
#[derive(Debug, Default)]
pub(crate) struct Tags<'a> {
    first: Option<&'a str>,
    /// A map, since there may be as many tags as fit into a message.
    values: BTreeMap<&'a str, &'a str>,
}

impl<'a> Tags<'a> {
    /// Reads a list; `None` where the text is not a list, or repeats a tag.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut tags = Self::default();
        for tag in text.split(';').filter(|tag| !trim(tag).is_empty()) {
            tags.add(Self::parse_one(tag)?)?;
        }
        Some(tags)
    }

    fn parse_one(tag: &'a str) -> Option<(&'a str, &'a str)> {
        let (name, value) = tag.split_once('=')?;
        let name = trim(name);
        let mut octets = name.bytes();
        let is_name = octets.next()?.is_ascii_alphabetic()
            && octets.all(|octet| octet.is_ascii_alphanumeric() || octet == b'_');
        is_name.then(|| (name, trim(value)))
    }

    fn add(&mut self, (name, value): (&'a str, &'a str)) -> Option<()> {
        self.first = self.first.or(Some(name));
        self.values.insert(name, value).is_none().then_some(())
    }

    /// Reads a list tolerantly: parts that are not tags are left out. `None` where a tag is repeated.
    pub(crate) fn of_readable(text: &'a str) -> Option<Self> {
        let mut tags = Self::default();
        for tag in text.split(';').filter_map(Self::parse_one) {
            tags.add(tag)?;
        }
        Some(tags)
    }

    /// The value of a tag, without white space around it.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.values.get(name).copied()
    }

    /// The name of the first tag.
    pub(crate) fn first(&self) -> Option<&'a str> {
        self.first
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// The text without its white space, as for folded base64.
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
