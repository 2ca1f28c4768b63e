//! Entity tags and versions.

use std::hash::{DefaultHasher, Hasher};

use http::{HeaderMap, HeaderValue, header::ETAG};
use koukan_core::resource::Version;

/// Marks a version that keeps the entity tag exactly as the server wrote it. No tag holds a space (RFC 9110
/// section 8.8.3). A server that compares tags as plain text gets its own tag back unchanged.
const BARE: &str = "bare ";
const WEAK: &str = "weak ";
/// The server gives no entity tags: the version is a hash of the content.
const NONE: &str = "none ";

/// The version of a response.
pub(super) fn version(headers: &HeaderMap, content: &[u8]) -> Version {
    let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok());
    let Some(tag) = tag.map(str::trim).filter(|tag| !tag.is_empty()) else {
        let mut hash = DefaultHasher::new();
        hash.write(content);
        return Version::new(format!("{NONE}{:016x}", hash.finish()));
    };
    let quoted = |tag: &str| {
        let inner = tag.strip_prefix('"')?.strip_suffix('"')?;
        Some(inner.to_owned())
    };
    if let Some(tag) = quoted(tag) {
        return Version::new(tag);
    }
    match tag.strip_prefix("W/").and_then(quoted) {
        Some(tag) => Version::new(format!("{WEAK}{tag}")),
        None => Version::new(format!("{BARE}{tag}")),
    }
}

/// The entity tag of a version as the server wrote it; `None` if the server sent none.
pub(super) fn etag(version: &Version) -> Option<HeaderValue> {
    let version = version.as_str();
    if version.starts_with(NONE) {
        return None;
    }
    let tag = if let Some(tag) = version.strip_prefix(BARE) {
        tag.to_owned()
    } else if let Some(tag) = version.strip_prefix(WEAK) {
        format!("W/\"{tag}\"")
    } else {
        format!("\"{version}\"")
    };
    HeaderValue::try_from(tag).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go_back_as_they_came() {
        for tag in ["\"1\"", "1", "W/\"1\"", "\"\"", "\"a\"b"] {
            let headers = HeaderMap::from_iter([(ETAG, tag.parse().unwrap())]);
            let version = version(&headers, b"");
            assert_eq!(etag(&version).unwrap(), tag);
        }
        assert_eq!(etag(&Version::new("1")).unwrap(), "\"1\"");
    }

    #[test]
    fn without_a_tag_the_content_is_the_version() {
        let none = HeaderMap::new();
        assert_eq!(version(&none, b"a"), version(&none, b"a"));
        assert_ne!(version(&none, b"a"), version(&none, b"b"));
        assert_eq!(etag(&version(&none, b"a")), None);
    }
}
