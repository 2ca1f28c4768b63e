//! Matches header fields.

use crate::filter::policy_action::{Facts, Matcher, Moment, Verdict};

/// Matches if a field of this name is present or absent, or has a value. The result is known before the
/// message goes on.
#[derive(Debug, Clone)]
pub struct HeaderMatcher {
    name: Box<str>,
    value: HeaderCondition,
}

/// The condition on the values of header fields. A value is taken as readers see it: on one line, with encoded
/// words decoded. Case does not matter.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum HeaderCondition {
    /// A field of the name is present.
    Present,
    /// No field of the name is present.
    Absent,
    /// One of the fields has one of these values.
    Is(Vec<Box<str>>),
    /// One of the fields has a value that begins with one of these.
    Begins(Vec<Box<str>>),
    /// One of the fields has a value that matches one of these patterns.
    Like(Vec<Pattern>),
}

/// A pattern: `*` stands for any text, including none. Case does not matter.
///
/// # Example
///
/// ```
/// use koukan_core::filter::policy_action::matchers::Pattern;
///
/// assert!(Pattern::new("*lottery*").matches("You won the Lottery!"));
/// assert!(!Pattern::new("lottery*").matches("You won the lottery"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    first: Box<str>,
    /// The text after each `*`.
    others: Vec<Box<str>>,
}

impl HeaderMatcher {
    /// A condition on the fields of this name.
    pub fn new(name: impl Into<Box<str>>, value: HeaderCondition) -> Self {
        let lower = |all: Vec<Box<str>>| all.iter().map(|one| one.to_lowercase().into()).collect();
        let value = match value {
            HeaderCondition::Is(all) => HeaderCondition::Is(lower(all)),
            HeaderCondition::Begins(all) => HeaderCondition::Begins(lower(all)),
            value => value,
        };
        Self {
            name: name.into(),
            value,
        }
    }
}

impl HeaderCondition {
    fn is_so_of(&self, text: &str) -> bool {
        match self {
            Self::Present => true,
            Self::Absent => false,
            Self::Is(all) => all.iter().any(|one| **one == *text),
            Self::Begins(all) => all.iter().any(|one| text.starts_with(&**one)),
            Self::Like(all) => all.iter().any(|one| one.is_like(text)),
        }
    }
}

impl Matcher for HeaderMatcher {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        let Some(header) = facts.header else {
            return match facts.moment {
                Moment::End => Verdict::NoMatch,
                _ => Verdict::NotYetKnown,
            };
        };
        let mut fields = header.all(&self.name);
        let is_so = match &self.value {
            HeaderCondition::Present => fields.next().is_some(),
            HeaderCondition::Absent => fields.next().is_none(),
            value => fields.any(|field| value.is_so_of(&field.text().to_lowercase())),
        };
        is_so.into()
    }

    fn reads_header(&self) -> bool {
        true
    }
}

// === impl Pattern ===

impl Pattern {
    /// Reads a pattern.
    pub fn new(text: &str) -> Self {
        let text = text.to_lowercase();
        let mut parts = text.split('*').map(Box::from);
        Self {
            first: parts.next().unwrap_or_default(),
            others: parts.collect(),
        }
    }

    /// Whether a text matches it.
    pub fn matches(&self, text: &str) -> bool {
        self.is_like(&text.to_lowercase())
    }

    /// Whether a lower-case text matches it. Each part is searched once, so no text causes much work.
    fn is_like(&self, text: &str) -> bool {
        let Some((last, between)) = self.others.split_last() else {
            return *self.first == *text;
        };
        let Some(mut rest) = text.strip_prefix(&*self.first) else {
            return false;
        };
        for part in between {
            let Some(at) = rest.find(&**part) else {
                return false;
            };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(&**last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_stand_for_any_text() {
        for (pattern, text, is_like) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "abc", true),
            ("abc", "ABC", true),
            ("a*c", "ac", true),
            ("a*c", "abcb", false),
            ("a*a", "a", false),
            ("*b*", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("**b", "ab", true),
            ("*\u{fc}*", "GR\u{dc}N", true),
            ("*.exe", "x.exe.exe", true),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(text),
                is_like,
                "{pattern} {text}"
            );
        }
    }
}
