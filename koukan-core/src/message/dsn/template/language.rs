//! The texts of one language.

use std::borrow::Cow;

use super::{
    entry::{Entry, Slot},
    text::Text,
};

/// A language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Language {
    /// As RFC 5646 names it.
    pub(super) tag: String,
    /// The domains of reverse-paths that it is for, in lower case; with a leading dot, all domains
    /// below. Empty where it is for everybody.
    pub(super) domains: Vec<String>,
    /// By the value of their entries.
    pub(super) texts: Vec<Text>,
}

impl Language {
    /// Its name in Content-Language.
    pub(in super::super) fn tag(&self) -> &str {
        &self.tag
    }

    /// Whether reverse-paths at this domain, in lower case, get this language only.
    pub(super) fn is_for(&self, domain: &str) -> bool {
        self.domains
            .iter()
            .any(|known| match known.starts_with('.') {
                true => domain.ends_with(&**known),
                false => domain == known,
            })
    }

    /// Whether it is for everybody else.
    pub(super) fn is_general(&self) -> bool {
        self.domains.is_empty()
    }

    /// A text with its places filled in; paragraphs are lines of it.
    pub(in super::super) fn paragraphs<'a>(
        &self,
        entry: Entry,
        value: impl Fn(Slot) -> Cow<'a, str>,
    ) -> String {
        self.texts[entry as usize].fill(value)
    }

    /// The same, on one line.
    pub(in super::super) fn line<'a>(
        &self,
        entry: Entry,
        value: impl Fn(Slot) -> Cow<'a, str>,
    ) -> String {
        self.paragraphs(entry, value).replace('\n', " ")
    }
}
