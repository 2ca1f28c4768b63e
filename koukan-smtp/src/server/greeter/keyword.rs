//! EHLO keywords that the server itself does not know.

use std::{fmt, str::FromStr};

/// The most octets in a keyword with its parameters: a reply line has 512, with its code and line end.
const LEN_MAX: usize = 506;

/// An EHLO keyword with its parameters, as in `XCLIENT NAME ADDR`.
///
/// *Source*: RFC 5321 section 4.1.1.1.
///
/// # Example
///
/// ```
/// use koukan_smtp::server::Keyword;
///
/// let keyword: Keyword = "XCLIENT NAME ADDR".parse()?;
/// assert_eq!(keyword.as_str(), "XCLIENT NAME ADDR");
/// # Ok::<(), koukan_smtp::server::InvalidKeyword>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Keyword(Box<str>);

/// A text is not an EHLO keyword with parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a keyword of letters, digits and hyphens with parameters after single blanks")]
pub struct InvalidKeyword;

impl Keyword {
    /// The keyword and its parameters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Keyword {
    type Err = InvalidKeyword;

    fn from_str(text: &str) -> Result<Self, InvalidKeyword> {
        let mut words = text.split(' ');
        let is_keyword = words.next().is_some_and(is_keyword);
        let are_parameters = words
            .all(|word| !word.is_empty() && word.bytes().all(|octet| octet.is_ascii_graphic()));
        match is_keyword && are_parameters && text.len() <= LEN_MAX {
            true => Ok(Self(text.into())),
            false => Err(InvalidKeyword),
        }
    }
}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_keyword(word: &str) -> bool {
    !word.is_empty()
        && !word.starts_with('-')
        && word
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_keyword_is_refused() {
        for text in [
            "X",
            "DSN",
            "AUTH PLAIN LOGIN",
            "LIMITS RCPTMAX=5",
            "8BITMIME",
        ] {
            assert_eq!(text.parse::<Keyword>().unwrap().as_str(), text);
        }
        let long = format!("X {}", "y".repeat(LEN_MAX));
        for text in [
            "", " X", "X ", "X  Y", "-X", "X_Y", "X\r\nY", "X \t", "X ä", &long,
        ] {
            assert_eq!(text.parse::<Keyword>(), Err(InvalidKeyword), "{text}");
        }
    }
}
