//! Enhanced mail system status codes.

use std::{
    fmt::{self, Write},
    str::FromStr,
};

/// An enhanced status code, `class.subject.detail`.
///
/// *Source*: RFC 3463; on the wire by RFC 2034.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnhancedCode {
    class: u8,
    subject: u16,
    detail: u16,
}

/// The text is not an enhanced status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an enhanced status code (2, 4 or 5, then two numbers up to 999, as in 5.1.1)")]
pub struct InvalidEnhancedCode;

impl EnhancedCode {
    /// Makes a code of its three parts.
    ///
    /// # Errors
    ///
    /// [`InvalidEnhancedCode`] where the class is not 2, 4 or 5 or a number is above 999.
    pub const fn new(class: u8, subject: u16, detail: u16) -> Result<Self, InvalidEnhancedCode> {
        if matches!(class, 2 | 4 | 5) && subject <= 999 && detail <= 999 {
            Ok(Self {
                class,
                subject,
                detail,
            })
        } else {
            Err(InvalidEnhancedCode)
        }
    }

    /// A code that is a constant of this crate.
    pub(super) const fn known(class: u8, subject: u16, detail: u16) -> Self {
        Self {
            class,
            subject,
            detail,
        }
    }

    /// 2 success, 4 persistent transient failure, 5 permanent failure.
    pub const fn class(self) -> u8 {
        self.class
    }

    /// What the code is about: 1 addresses, 2 mailbox, 3 mail system, 4 network, 5 protocol,
    /// 6 content, 7 policy.
    pub const fn subject(self) -> u16 {
        self.subject
    }

    /// The detail within the subject.
    pub const fn detail(self) -> u16 {
        self.detail
    }

    /// Appends the text of the code, as [`fmt::Display`] writes it, but faster.
    pub fn push_to(self, text: &mut String) {
        let written = self.write(text);
        written.expect("nothing fails that is written to a string");
    }

    fn write(self, to: &mut impl Write) -> fmt::Result {
        let digit = |number: u16| char::from(b'0' + (number % 10) as u8);
        to.write_char(digit(self.class.into()))?;
        for number in [self.subject, self.detail] {
            to.write_char('.')?;
            if number > 99 {
                to.write_char(digit(number / 100))?;
            }
            if number > 9 {
                to.write_char(digit(number / 10))?;
            }
            to.write_char(digit(number))?;
        }
        Ok(())
    }
}

impl FromStr for EnhancedCode {
    type Err = InvalidEnhancedCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Up to three digits each. This is tried on the beginning of every reply, so it must be
        // fast.
        let mut octets = text.bytes();
        let mut number = |end: Option<u8>| {
            let mut number = None;
            for _ in 0..4 {
                match octets.next() {
                    Some(digit @ b'0'..=b'9') => {
                        number = Some(number.unwrap_or(0) * 10 + u16::from(digit - b'0'));
                    }
                    other if other == end => return number.ok_or(InvalidEnhancedCode),
                    _ => return Err(InvalidEnhancedCode),
                }
            }
            Err(InvalidEnhancedCode)
        };
        let dot = Some(b'.');
        let (class, subject, detail) = (number(dot)?, number(dot)?, number(None)?);
        let class = u8::try_from(class).map_err(|_| InvalidEnhancedCode)?;
        Self::new(class, subject, detail)
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

impl fmt::Debug for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_it_prints() {
        for text in ["2.0.0", "4.4.7", "5.7.999", "5.10.100", "2.99.9"] {
            let code: EnhancedCode = text.parse().unwrap();
            assert_eq!(code.to_string(), text);
            let mut pushed = String::new();
            code.push_to(&mut pushed);
            assert_eq!(pushed, text);
        }
        for text in [
            "", "2", "2.0", "3.0.0", "5.1.1.1", "5.1000.1", "5.+1.1", "5..1", "5.1.1 x",
        ] {
            assert_eq!(
                text.parse::<EnhancedCode>(),
                Err(InvalidEnhancedCode),
                "{text}"
            );
        }
    }
}
