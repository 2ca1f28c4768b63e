//! `If-Match` and `If-None-Match`: which version a request is about.
//!
//! *Source*: RFC 9110 sections 13.1.1 and 13.1.2. Entity tags may come without quotes.

use axum::http::{HeaderMap, HeaderName};
use koukan_core::resource::{Refusal, Version};

use crate::schema::etag;

/// The versions that a condition names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) enum Condition {
    /// `*`.
    Any,
    /// One of these; not empty.
    OneOf(Vec<Version>),
}

/// The condition of a field, `None` where there is none.
pub(in crate::server) fn of(
    headers: &HeaderMap,
    name: &HeaderName,
) -> Result<Option<Condition>, Refusal> {
    let mut versions = Vec::new();
    for value in headers.get_all(name) {
        let wrong = || Refusal::malformed("not an entity tag or a list of such").at(name.as_str());
        let text = value.to_str().map_err(|_| wrong())?;
        if text.trim() == "*" {
            return Ok(Some(Condition::Any));
        }
        versions.extend(tags(text).ok_or_else(wrong)?);
    }
    if versions.is_empty() && headers.contains_key(name) {
        return Err(Refusal::malformed("there is no entity tag in it").at(name.as_str()));
    }
    Ok((!versions.is_empty()).then_some(Condition::OneOf(versions)))
}

impl Condition {
    /// Whether that version is one of those named.
    pub(in crate::server) fn matches(&self, version: &Version) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(version),
        }
    }
}

/// The entity tags of a list; commas within quotes belong to the tag.
fn tags(text: &str) -> Option<Vec<Version>> {
    let mut tags = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Some(tags);
        }
        let opaque = rest.strip_prefix("W/").unwrap_or(rest);
        let offset = rest.len() - opaque.len();
        let len = match opaque.strip_prefix('"') {
            Some(quoted) => offset + quoted.find('"')? + 2,
            None => rest.find(',').unwrap_or(rest.len()),
        };
        let (tag, after) = rest.split_at(len);
        tags.push(etag::parse(tag.trim()));
        rest = after.trim_start();
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::IF_MATCH;

    use super::*;

    fn parse(text: &'static str) -> Result<Option<Condition>, Refusal> {
        of(
            &HeaderMap::from_iter([(IF_MATCH, text.parse().unwrap())]),
            &IF_MATCH,
        )
    }

    #[test]
    fn tags_come_quoted_or_bare_alone_or_in_lists() {
        for (text, versions) in [
            ("1", &["1"][..]),
            ("\"1\"", &["1"]),
            ("W/\"1\"", &["1"]),
            ("\"a,b\" , c", &["a,b", "c"]),
            ("a, \"b\",,c", &["a", "b", "c"]),
        ] {
            let versions = versions.iter().map(|text| Version::new(*text));
            let expected = Condition::OneOf(versions.collect());
            assert_eq!(parse(text), Ok(Some(expected)), "{text}");
        }
        assert_eq!(parse("*"), Ok(Some(Condition::Any)));
        for text in ["", " , ", "\"open", "\"a\" \"b\""] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_field_that_is_not_there_is_no_condition() {
        assert_eq!(of(&HeaderMap::new(), &IF_MATCH), Ok(None));
    }
}
