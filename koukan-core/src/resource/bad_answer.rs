//! An answer that violates the API.

use std::{error::Error, fmt};

/// How many characters of an answer are kept.
const EXCERPT: usize = 200;

/// Another agent or an application has sent an answer that this API does not permit: a receiver
/// must be fixed.
///
/// A [`ResourceService`](super::ResourceService) returns it as its error, or as a source of that.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BadAnswer {
    /// The method of the request.
    pub method: Box<str>,
    /// The URL of the request.
    pub url: Box<str>,
    /// The status of the answer; `None` where the request was not sent, since the URL, which an
    /// earlier answer named, is not permitted.
    pub status: Option<u16>,
    /// What is wrong with it.
    pub reason: &'static str,
    /// Its first 200 characters, unescaped: show them with escapes, as `{:?}` does.
    pub excerpt: Box<str>,
}

impl BadAnswer {
    /// The first 200 characters of a content, for the log.
    pub fn excerpt_of(content: &[u8]) -> Box<str> {
        // Four octets a character at most; one that is cut is not among those that are kept.
        let beginning = &content[..content.len().min(4 * EXCERPT + 4)];
        let text = String::from_utf8_lossy(beginning);
        text.chars().take(EXCERPT).collect::<String>().into()
    }

    /// An answer with that content.
    pub fn new(
        method: &str,
        url: impl fmt::Display,
        status: impl Into<Option<u16>>,
        reason: &'static str,
        content: &[u8],
    ) -> Self {
        Self {
            method: method.into(),
            url: url.to_string().into(),
            status: status.into(),
            reason,
            excerpt: Self::excerpt_of(content),
        }
    }

    /// The bad answer in an error or one of its sources.
    pub fn of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut error = Some(error);
        while let Some(this) = error {
            if let Some(bad) = this.downcast_ref() {
                return Some(bad);
            }
            error = this.source();
        }
        None
    }
}

impl fmt::Display for BadAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            method,
            url,
            status,
            reason,
            excerpt,
        } = self;
        write!(f, "{reason}: {method} {url}")?;
        match status {
            Some(status) => write!(f, " was answered {status} {excerpt:?}"),
            None => Ok(()),
        }
    }
}

impl Error for BadAnswer {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_shown_in_one_line() {
        let text = "<html>\r\n\u{1b}[31m\u{202e}grün \"x\"";
        let bad = BadAnswer::new("GET", "http://a/", 200, "no JSON", text.as_bytes());
        let shown = r#""<html>\r\n\u{1b}[31m\u{202e}grün \"x\"""#;
        assert!(bad.to_string().ends_with(shown), "{bad}");
        assert_eq!(
            BadAnswer::excerpt_of("ü".repeat(300).as_bytes())
                .chars()
                .count(),
            200
        );
        assert_eq!(&*BadAnswer::excerpt_of(b"\xff"), "\u{fffd}");
    }

    #[test]
    fn it_is_found_behind_other_errors() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] BadAnswer);
        let bad = BadAnswer::new("GET", "http://a/", 200, "no JSON", b"hello");
        let told = r#"no JSON: GET http://a/ was answered 200 "hello""#;
        assert_eq!(bad.to_string(), told);
        assert_eq!(BadAnswer::of(&Outer(bad.clone())), Some(&bad));
        assert_eq!(BadAnswer::of(&fmt::Error), None);
        let unasked = BadAnswer::new("PUT", "http://b/", None, "not listed", b"");
        assert_eq!(unasked.to_string(), "not listed: PUT http://b/");
    }
}
