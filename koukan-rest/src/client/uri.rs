//! URIs according to RFC 3986.

use http::{Uri, uri::Scheme};

/// Scheme, host and port: the server that gets a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    is_https: bool,
    host: Box<str>,
    port: u16,
}

impl Origin {
    /// The origin of an absolute URI of http or https.
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let is_https = match uri.scheme()? {
            scheme if *scheme == Scheme::HTTPS => true,
            scheme if *scheme == Scheme::HTTP => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        let host = authority.host();
        if host.is_empty() || authority.as_str().contains('@') {
            return None;
        }
        let port = authority.port_u16();
        // The port is not a number, too large, or 0.
        if port == Some(0) || port.is_none() && authority.as_str().len() > host.len() {
            return None;
        }
        Some(Self {
            is_https,
            host: host.to_ascii_lowercase().into(),
            port: port.unwrap_or(if is_https { 443 } else { 80 }),
        })
    }

    pub(super) fn is_https(&self) -> bool {
        self.is_https
    }
}

/// Whether a [`Client`](super::Client) can be made for the server at this URL. It must have `http`
/// or `https`, a host, and a port other than 0 if any; it may have a path, and nothing else.
pub fn is_server_url(text: &str) -> bool {
    base_url(text).is_some()
}

/// Parses a base URL; adds a slash to a path that does not end with one.
pub(super) fn base_url(text: &str) -> Option<Uri> {
    if text.contains(['?', '#']) {
        return None;
    }
    let slash = if text.ends_with('/') { "" } else { "/" };
    let uri: Uri = format!("{text}{slash}").parse().ok()?;
    Origin::of(&uri)?;
    Some(uri)
}

/// Resolves a URI reference against the URI of the request that returned it.
///
/// *Source*: RFC 3986 section 5.2; fragments are dropped.
pub(super) fn resolve(base: &Uri, reference: &str) -> Option<Uri> {
    let reference = reference.split('#').next().unwrap_or_default();
    let scheme = base.scheme_str()?;
    let authority = base.authority()?.as_str();
    let (path, query) = match reference.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (reference, None),
    };
    let (prefix, path, query) = if has_scheme(reference) {
        let (prefix, path) = split_authority(path, path.find(':')? + 1)?;
        (prefix.to_owned(), path.to_owned(), query)
    } else if path.starts_with("//") {
        let (prefix, path) = split_authority(path, 0)?;
        (format!("{scheme}:{prefix}"), path.to_owned(), query)
    } else {
        let path_query = match path {
            "" => (base.path().to_owned(), query.or(base.query())),
            _ if path.starts_with('/') => (path.to_owned(), query),
            _ => {
                let directory = base.path().rfind('/').map_or("/", |at| &base.path()[..=at]);
                (format!("{directory}{path}"), query)
            }
        };
        (
            format!("{scheme}://{authority}"),
            path_query.0,
            path_query.1,
        )
    };
    let path = without_dots(&path);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let uri: Uri = format!("{prefix}{path}{query}").parse().ok()?;
    Origin::of(&uri)?;
    Some(uri)
}

fn has_scheme(reference: &str) -> bool {
    let before = reference.split(['/', '?']).next().unwrap_or_default();
    before.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}

/// Splits behind the authority, which begins with `//` at `start`.
fn split_authority(text: &str, start: usize) -> Option<(&str, &str)> {
    let rest = text.get(start..)?.strip_prefix("//")?;
    let end = rest.find('/').unwrap_or(rest.len());
    Some(text.split_at(start + 2 + end))
}

/// *Source*: RFC 3986 section 5.2.4.
fn without_dots(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    let mut rest = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = rest.next() {
        let is_last = rest.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    segments.pop();
                }
                if is_last {
                    segments.push("");
                }
            }
            segment => segments.push(segment),
        }
    }
    format!("/{}", segments.join("/"))
}

/// A path segment, with percent-encoding for characters that are not allowed there.
///
/// *Source*: RFC 3986 section 2.3.
pub(super) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(octet));
            }
            _ => encoded.push_str(&format!("%{octet:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_resolved_as_the_rfc_has_it() {
        // From RFC 3986 sections 5.4.1 and 5.4.2, the examples that stay within http.
        let base: Uri = "http://a/b/c/d;p?q".parse().unwrap();
        for (reference, target) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q"),
            ("g?y#s", "http://a/b/c/g?y"),
            (";x", "http://a/b/c/;x"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("./", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            ("..g", "http://a/b/c/..g"),
            ("./../g", "http://a/b/g"),
            ("./g/.", "http://a/b/c/g/"),
            ("g/./h", "http://a/b/c/g/h"),
            ("g/../h", "http://a/b/c/h"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
            ("https://b:8443/x/../y", "https://b:8443/y"),
        ] {
            let resolved = resolve(&base, reference).unwrap_or_else(|| panic!("{reference}"));
            assert_eq!(resolved.to_string(), target, "{reference}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let base: Uri = "http://a/b".parse().unwrap();
        for reference in [
            "mailto:x",
            "file:///etc/passwd",
            "http://user@b/",
            "http:///x",
            "http:x",
            "http://a:99999/",
            "/a b",
        ] {
            assert_eq!(resolve(&base, reference), None, "{reference}");
        }
        for url in [
            "",
            "a",
            "http://",
            "ftp://a",
            "http://a?x",
            "http://a/#x",
            "http://a:0",
            "http://a:99999",
            "https://[::1",
            "http://x\u{e9}y",
            "http://a b",
            "http://a\r\nb",
        ] {
            assert_eq!(base_url(url), None, "{url}");
        }
    }

    #[test]
    fn origins_are_the_same_whatever_way_they_are_written() {
        let origin = |uri: &str| Origin::of(&uri.parse().unwrap()).unwrap();
        assert_eq!(origin("http://A/x"), origin("http://a:80/y"));
        assert_ne!(origin("http://a/"), origin("https://a/"));
        assert_ne!(origin("http://a/"), origin("http://a:8080/"));
        assert_ne!(origin("http://a/"), origin("http://a.example/"));
    }

    #[test]
    fn names_cannot_leave_their_segment() {
        assert_eq!(segment("a/../b c?"), "a%2F..%2Fb%20c%3F");
    }
}
