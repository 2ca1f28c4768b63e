//! Versions as entity tags.
//!
//! *Source*: RFC 9110 sections 8.8.3, 13.1.1 and 13.1.2.

use koukan_core::resource::Version;

/// The value of `If-Match` or `If-None-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// `*`: any version.
    Any,
    /// One of these versions.
    OneOf(Vec<Version>),
}

impl Condition {
    /// Reads the value of the field: `*`, or entity tags separated by commas, each in a form that
    /// [`parse`] accepts.
    pub fn parse(text: &str) -> Self {
        if text.trim() == "*" {
            return Self::Any;
        }
        let tags = split_list(text);
        let tags = tags.into_iter().filter(|tag| !tag.is_empty());
        Self::OneOf(tags.map(parse).collect())
    }

    /// The condition for one view, full or not; tags of the other view are removed.
    #[must_use]
    pub fn of_view(self, is_full: bool) -> Self {
        self.map(|tag| match (tag.as_str().strip_suffix(FULL), is_full) {
            (Some(version), true) => Some(Version::new(version)),
            (None, false) => Some(tag),
            _ => None,
        })
    }

    /// The condition for the versions of the tags, whichever view the tags are of.
    #[must_use]
    pub fn of_any_view(self) -> Self {
        self.map(|tag| match tag.as_str().strip_suffix(FULL) {
            Some(version) => Some(Version::new(version)),
            None => Some(tag),
        })
    }

    fn map(self, f: impl FnMut(Version) -> Option<Version>) -> Self {
        match self {
            Self::Any => Self::Any,
            Self::OneOf(tags) => Self::OneOf(tags.into_iter().filter_map(f).collect()),
        }
    }

    /// Whether that version meets the condition.
    pub fn is_met_by(&self, version: &Version) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(version),
        }
    }
}

/// What follows the version in the tags of full views: another representation needs another tag
/// (RFC 9110 section 8.8.3).
const FULL: &str = "-full";

/// Writes a version of a view, full or not, as a strong entity tag.
pub fn of_view(version: &Version, is_full: bool) -> String {
    match is_full {
        true => format!("\"{version}{FULL}\""),
        false => quoted(version),
    }
}

/// Writes a version as a strong entity tag, with quotes.
pub fn quoted(version: &Version) -> String {
    ["\"", version.as_str(), "\""].concat()
}

/// Reads an entity tag: quoted, weak (`W/"…"`) or bare.
pub fn parse(text: &str) -> Version {
    let text = text.trim();
    let tag = text.strip_prefix("W/").unwrap_or(text);
    let quoted = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    Version::new(quoted.unwrap_or(text))
}

/// Splits at those commas that are not within quotes.
fn split_list(text: &str) -> Vec<&str> {
    let mut is_quoted = false;
    let is_separator = move |c| {
        is_quoted ^= c == '"';
        c == ',' && !is_quoted
    };
    text.split(is_separator).map(str::trim).collect()
}
