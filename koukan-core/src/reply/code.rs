//! The three-digit reply code.

use std::fmt;

/// A reply code, 200 to 599. It can be compared with a number.
///
/// *Source*: RFC 5321 section 4.2.1.
///
/// # Example
///
/// ```
/// use koukan_core::reply::Reply;
///
/// assert_eq!(Reply::no_such_user().code(), 550);
/// assert!(Reply::no_such_user().code().is_permanent());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyCode(u16);

/// The number is not an SMTP reply code: its first digit is not 2 to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not an SMTP reply code (200 to 599)")]
pub struct InvalidReplyCode(pub u16);

impl ReplyCode {
    /// Makes a code of a number.
    ///
    /// # Errors
    ///
    /// [`InvalidReplyCode`] outside 200 to 599.
    pub const fn new(code: u16) -> Result<Self, InvalidReplyCode> {
        match code {
            200..=599 => Ok(Self(code)),
            _ => Err(InvalidReplyCode(code)),
        }
    }

    /// A code that is a constant of this crate.
    pub(super) const fn known(code: u16) -> Self {
        assert!(code >= 200 && code < 600);
        Self(code)
    }

    /// The number.
    pub const fn as_u16(self) -> u16 {
        self.0
    }

    /// 2yz.
    pub const fn is_positive(self) -> bool {
        self.0 / 100 == 2
    }

    /// 3yz: the server waits for more input.
    pub const fn is_intermediate(self) -> bool {
        self.0 / 100 == 3
    }

    /// 4yz.
    pub const fn is_transient(self) -> bool {
        self.0 / 100 == 4
    }

    /// 5yz.
    pub const fn is_permanent(self) -> bool {
        self.0 / 100 == 5
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |number: u16| b'0' + (number % 10) as u8;
        let digits = [digit(self.0 / 100), digit(self.0 / 10), digit(self.0)];
        f.write_str(std::str::from_utf8(&digits).unwrap_or_default())
    }
}

impl fmt::Debug for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl PartialEq<u16> for ReplyCode {
    fn eq(&self, code: &u16) -> bool {
        self.0 == *code
    }
}

impl TryFrom<u16> for ReplyCode {
    type Error = InvalidReplyCode;

    fn try_from(code: u16) -> Result<Self, Self::Error> {
        Self::new(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_digit_decides() {
        for code in [0, 199, 600, 1000] {
            assert_eq!(ReplyCode::new(code), Err(InvalidReplyCode(code)));
        }
        assert!(ReplyCode::known(250).is_positive());
        assert!(ReplyCode::known(354).is_intermediate());
        assert!(ReplyCode::known(421).is_transient());
        assert!(ReplyCode::known(554).is_permanent());
    }
}
