//! Templates for the text of notifications: named texts with placeholders.
//!
//! ```text
//! # A comment.
//! language: de
//! domains: example.de, .at
//!
//! subject-failed: Ihre Nachricht konnte nicht zugestellt werden
//! delayed: Ihre Nachricht konnte noch nicht zugestellt werden. Es wird bis {until}
//!  weiter versucht.
//! ```
//!
//! - A text begins with its name and a colon. Lines that begin with a blank continue it; a line with
//!   only ` .` begins another paragraph. `{{` and `}}` stand for braces.
//! - Each `language` begins a language (RFC 5646). Reverse-paths at its `domains` get only that
//!   language; everybody else gets all languages without `domains`, one after the other.
//! - `en` may leave out texts, for which the default is used. Other languages must have all texts.
//!
//! | module | is |
//! |---|---|
//! | `entry` | the texts, and the placeholders of each |
//! | `text` | one text, and how it is filled in |
//! | `language` | the texts of one language |
//! | `parse` | reading a template |
//! | `error` | errors in templates |
//! | `words` | the current template |

mod entry;
mod error;
mod language;
mod parse;
mod text;
mod words;

use std::{str::FromStr, sync::LazyLock};

use crate::path::{Mailbox, domain_key};

pub(super) use self::{
    entry::{Entry, Slot},
    language::Language,
};
pub use self::{error::TemplateError, words::Words};

/// The default template.
const DEFAULT: &str = include_str!("default.txt");

/// Octets of a template, at most.
const MAX: usize = 64 << 10;

/// A template for the text of notifications. The default is in English.
///
/// *Shape*: UTF-8, in lines as described in the documentation of the module; at most 64 KiB.
///
/// # Example
///
/// ```
/// use koukan_core::message::dsn::Template;
///
/// let template = "language: en\nfrom: Post office\n";
/// assert!(template.parse::<Template>().is_ok());
/// let error = "language: en\nfailed: {whom} failed\n".parse::<Template>().unwrap_err();
/// assert_eq!(error.line(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    languages: Vec<Language>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// [`TemplateError`]: the first line with an error, and how to correct it.
    pub fn from_utf8(octets: &[u8]) -> Result<Self, TemplateError> {
        if octets.len() > MAX {
            let what = format!("it has more than {MAX} octets");
            return Err(TemplateError::new(1, what, "leave texts out"));
        }
        match str::from_utf8(octets) {
            Ok(text) => text.parse(),
            Err(error) => {
                let before = &octets[..error.valid_up_to()];
                let line = 1 + before.iter().filter(|octet| **octet == b'\n').count();
                let what = "it is not UTF-8".to_owned();
                Err(TemplateError::new(
                    line,
                    what,
                    "save the file in that encoding",
                ))
            }
        }
    }

    /// The languages for a mailbox, at least one.
    pub(super) fn languages_for(&self, to: &Mailbox) -> Vec<&Language> {
        let domain = domain_key(to.domain_text());
        let own = self.languages.iter().find(|it| it.is_for(&domain));
        match own {
            Some(own) => vec![own],
            None => self.languages.iter().filter(|it| it.is_general()).collect(),
        }
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let default = Self::default();
        let english = default.languages.first();
        parse::parse(text, english).map(|languages| Self { languages })
    }
}

impl Default for Template {
    fn default() -> Self {
        static PARSED: LazyLock<Template> = LazyLock::new(|| {
            let languages = parse::parse(DEFAULT, None).expect("a test reads the default template");
            Template { languages }
        });
        PARSED.clone()
    }
}

#[cfg(test)]
mod tests;
