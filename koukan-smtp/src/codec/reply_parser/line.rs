//! One line of a reply.

use std::borrow::Cow;

use koukan_core::reply::{EnhancedCode, Reply, ReplyCode};

use super::InvalidReply;

/// A line that begins with three digits, followed by a space, a TAB, a hyphen or the end of the line.
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

    /// The first digit of the code: it decides whether the command succeeded.
    pub(super) fn class(&self) -> u16 {
        self.number / 100
    }

    /// Splits the enhanced code off the text, if it agrees with the reply code.
    pub(super) fn split_enhanced<'t>(&self, text: &'t str) -> Option<(EnhancedCode, &'t str)> {
        if !text.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        // Such texts are short: checking each octet is faster than a search made for long texts.
        let blank = text.bytes().position(|octet| octet == b' ');
        let (word, rest) = text.split_at(blank.unwrap_or(text.len()));
        let enhanced: EnhancedCode = word.parse().ok()?;
        let agrees = u16::from(enhanced.class()) == self.class();
        agrees.then_some((enhanced, rest.strip_prefix(' ').unwrap_or(rest)))
    }

    /// The reply that consists of this line only.
    pub(super) fn to_reply(self) -> Result<Reply, InvalidReply> {
        let code = code(self.number)?;
        let text = readable(self.text);
        Ok(match self.split_enhanced(&text) {
            Some((enhanced, text)) => Reply::copied(code, Some(enhanced), text),
            None => Reply::copied(code, None, &text),
        })
    }
}

/// The reply code that the three digits stand for.
pub(super) fn code(number: u16) -> Result<ReplyCode, InvalidReply> {
    ReplyCode::new(number).map_err(|_| InvalidReply::Code(number))
}

/// The text, with `?` in place of what is not UTF-8.
pub(super) fn readable(text: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(text) {
        return text.into();
    }
    let mut readable = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        readable.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            readable.push('?');
        }
    }
    readable.into()
}
