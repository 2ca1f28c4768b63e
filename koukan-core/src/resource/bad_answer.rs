//! An answer that breaks the contract.

use std::{error::Error, fmt};

/// Characters of an answer that are kept.
const EXCERPT: usize = 200;

/// Another agent or an application has answered a request with something that this API does not
/// answer: a receiver is to be mended.
///
/// A [`ResourceService`](super::ResourceService) tells it as its error, or as a source of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadAnswer {
    /// The method of the request.
    pub method: Box<str>,
    /// The URL that was asked.
    pub url: Box<str>,
    /// The status of the answer.
    pub status: u16,
    /// What is wrong with it.
    pub reason: &'static str,
    /// Its first 200 characters, with control characters escaped.
    pub excerpt: Box<str>,
}

impl BadAnswer {
    /// An answer with that content.
    pub fn new(
        method: &str,
        url: impl fmt::Display,
        status: u16,
        reason: &'static str,
        content: &[u8],
    ) -> Self {
        Self {
            method: method.into(),
            url: url.to_string().into(),
            status,
            reason,
            excerpt: excerpt(content),
        }
    }

    /// The answer that an error tells of, by itself or by a source.
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
        write!(
            f,
            "{reason}: {method} {url} was answered {status} \"{excerpt}\""
        )
    }
}

impl Error for BadAnswer {}

/// The first characters, in such a way that they can stand in a line of a log.
fn excerpt(content: &[u8]) -> Box<str> {
    // Four octets a character at most; one that is cut is not among those that are kept.
    let beginning = &content[..content.len().min(4 * EXCERPT + 4)];
    let text = String::from_utf8_lossy(beginning);
    let mut excerpt = String::new();
    for c in text.chars().take(EXCERPT) {
        match c {
            '"' | '\\' => excerpt.extend(c.escape_default()),
            c if is_invisible(c) => excerpt.extend(c.escape_default()),
            c => excerpt.push(c),
        }
    }
    excerpt.into()
}

/// Control characters, and those that turn or break the line that they are shown in.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_shown_in_one_line() {
        let text = "<html>\r\n\u{1b}[31m\u{202e}grün \"x\"";
        assert_eq!(
            &*excerpt(text.as_bytes()),
            r#"<html>\r\n\u{1b}[31m\u{202e}grün \"x\""#
        );
        assert_eq!(excerpt("ü".repeat(300).as_bytes()).chars().count(), 200);
        assert_eq!(&*excerpt(b"\xff"), "\u{fffd}");
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
    }
}
