//! Versions in `ETag`, `If-Match` and `If-None-Match`.
//!
//! *Source*: RFC 9110 sections 8.8.3, 13.1.1 and 13.1.2. Written quoted; read quoted, weak or bare.

use koukan_core::resource::Version;

/// Which versions a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// `*`: whatever there is.
    Any,
    /// One of these; at least one.
    OneOf(Vec<Version>),
}

/// A text is not a list of entity tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an entity tag, as in \"1\", a list of them, or *")]
pub struct InvalidEtag;

impl Condition {
    /// Whether it holds for that version.
    pub fn holds_for(&self, version: &Version) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(version),
        }
    }
}

/// Writes a version, in quotes; what may not stand in an entity tag is left out.
pub fn quote(version: &Version) -> String {
    let is_allowed = |c: &char| matches!(c, '!' | '#'..='~');
    let text: String = version.as_str().chars().filter(is_allowed).collect();
    format!("\"{text}\"")
}

/// Reads one version.
///
/// # Errors
///
/// [`InvalidEtag`].
pub fn parse(text: &str) -> Result<Version, InvalidEtag> {
    match split_first(text.trim())? {
        (version, "") => Ok(version),
        _ => Err(InvalidEtag),
    }
}

/// Reads a list of versions, or `*`.
///
/// # Errors
///
/// [`InvalidEtag`].
pub fn parse_list(text: &str) -> Result<Condition, InvalidEtag> {
    if text.trim() == "*" {
        return Ok(Condition::Any);
    }
    let mut versions = Vec::new();
    let mut rest = text.trim();
    // Empty elements are allowed: RFC 9110 section 5.6.1.2.
    loop {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        if rest.is_empty() {
            break;
        }
        let (version, after) = split_first(rest)?;
        versions.push(version);
        rest = after;
    }
    match versions.is_empty() {
        true => Err(InvalidEtag),
        false => Ok(Condition::OneOf(versions)),
    }
}

/// The first version, and what stands from the comma after it.
fn split_first(text: &str) -> Result<(Version, &str), InvalidEtag> {
    let text = text.strip_prefix("W/").unwrap_or(text);
    let (version, rest) = match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or(InvalidEtag)?,
        None => text.split_at(text.find(',').unwrap_or(text.len())),
    };
    let version = version.trim_end();
    let rest = rest.trim_start();
    let is_allowed = |c: char| c == '!' || ('#'..='~').contains(&c);
    let is_version = !version.is_empty() && version.chars().all(is_allowed);
    if !is_version || !(rest.is_empty() || rest.starts_with(',')) {
        return Err(InvalidEtag);
    }
    Ok((Version::new(version), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_quoted_weak_and_bare() {
        for text in ["\"7-a\"", "W/\"7-a\"", "7-a", " \"7-a\" "] {
            assert_eq!(parse(text), Ok(Version::new("7-a")), "{text}");
        }
        for text in ["", "\"", "\"a", "\"\"", "a b", "\"a\"b", "a, b", "\u{e9}"] {
            assert_eq!(parse(text), Err(InvalidEtag), "{text}");
        }
    }

    #[test]
    fn reads_lists() {
        let versions = ["a,b", "c", "d"].map(Version::new);
        let list = parse_list("\"a,b\", W/\"c\" ,, d");
        assert_eq!(list, Ok(Condition::OneOf(versions.to_vec())));
        assert_eq!(parse_list(" * "), Ok(Condition::Any));
        for text in ["", ",", "\"a\" \"b\"", "\"a\", \""] {
            assert_eq!(parse_list(text), Err(InvalidEtag), "{text}");
        }
    }
}
