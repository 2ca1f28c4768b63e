//! `If-Match` and `If-None-Match`: which version a request is about.
//!
//! *Source*: RFC 9110 sections 13.1.1 and 13.1.2. Entity tags may come without quotes.

use axum::http::{HeaderMap, HeaderName};
use koukan_core::resource::Refusal;

use crate::schema::etag::Condition;

/// The condition in a field; `None` if the field is absent. A list is never empty.
pub(in crate::server) fn of(
    headers: &HeaderMap,
    name: &HeaderName,
) -> Result<Option<Condition>, Refusal> {
    let wrong = || Refusal::malformed("not an entity tag or a list of such").at(name.as_str());
    let mut versions = Vec::new();
    for value in headers.get_all(name) {
        match Condition::parse(value.to_str().map_err(|_| wrong())?) {
            Condition::Any => return Ok(Some(Condition::Any)),
            Condition::OneOf(more) => versions.extend(more),
        }
    }
    if versions.is_empty() && headers.contains_key(name) {
        return Err(wrong());
    }
    Ok((!versions.is_empty()).then_some(Condition::OneOf(versions)))
}

#[cfg(test)]
mod tests {
    use axum::http::header::IF_MATCH;
    use koukan_core::resource::Version;

    use super::*;

    fn parse(text: &'static str) -> Result<Option<Condition>, Refusal> {
        let headers = HeaderMap::from_iter([(IF_MATCH, text.parse().unwrap())]);
        of(&headers, &IF_MATCH)
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
        for text in ["", " , "] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(of(&HeaderMap::new(), &IF_MATCH), Ok(None));
    }
}
