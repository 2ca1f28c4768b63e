//! One line of a reply.

use koukan_core::reply::EnhancedCode;

/// A line that begins with three digits and then a space, a TAB, a hyphen or its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// The three digits.
    pub(super) number: u16,
    pub(super) is_last: bool,
    pub(super) text: &'a [u8],
}

impl<'a> Line<'a> {
    /// Reads a line without its line end; `None` where it has no code.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let (digits, rest) = line.split_at_checked(3)?;
        let (is_last, text) = match rest {
            [] => (true, rest),
            [b' ' | b'\t', text @ ..] => (true, text),
            [b'-', text @ ..] => (false, text),
            _ => return None,
        };
        let number = digits.iter().try_fold(0, |number: u16, digit| {
            digit
                .is_ascii_digit()
                .then(|| number * 10 + u16::from(digit - b'0'))
        })?;
        Some(Self {
            number,
            is_last,
            text,
        })
    }

    /// What decides about a command: the first digit of the code.
    pub(super) fn class(&self) -> u16 {
        self.number / 100
    }

    /// Splits an enhanced code off that agrees with the reply code.
    pub(super) fn split_enhanced(&self) -> Option<(EnhancedCode, &'a [u8])> {
        let end = memchr::memchr(b' ', self.text).unwrap_or(self.text.len());
        let word = std::str::from_utf8(&self.text[..end]).ok()?;
        let enhanced: EnhancedCode = word.parse().ok()?;
        let agrees = u16::from(enhanced.class()) == self.class();
        let rest = self.text.get(end + 1..).unwrap_or_default();
        agrees.then_some((enhanced, rest))
    }
}
