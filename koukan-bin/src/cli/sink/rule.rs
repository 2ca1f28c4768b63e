//! Which recipients are refused, and how.

use std::str::FromStr;

use koukan_core::reply::{Reply, ReplyCode};

/// A pattern for recipients, and the reply code for those that match.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pattern: String,
    code: ReplyCode,
}

impl Rule {
    /// The refusal, if the rule applies to this recipient.
    pub(crate) fn refusal(&self, recipient: &str) -> Option<Reply> {
        let text = "refused, as the sink was told";
        matches(&self.pattern, recipient).then(|| Reply::new(self.code, None, text))
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("`{text}` is not PATTERN=CODE with a code from 400 to 599, as in `gone*=550`")
        };
        let (pattern, code) = text.rsplit_once('=').ok_or_else(wrong)?;
        let code = code.parse().map_err(|_| wrong())?;
        let code = ReplyCode::new(code).map_err(|_| wrong())?;
        if pattern.is_empty() || !(code.is_transient() || code.is_permanent()) {
            return Err(wrong());
        }
        Ok(Self {
            pattern: pattern.to_owned(),
            code,
        })
    }
}

/// Whether a text matches the pattern; `*` matches anything.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            let mut ends = text.char_indices().map(|(end, _)| end).chain([text.len()]);
            ends.any(|end| matches(rest, &text[end..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, is_match) in [
            ("a@b", "a@b", true),
            ("a@b", "a@bc", false),
            ("gone*", "gone-1@b", true),
            ("*@b", "x@b", true),
            ("*@b", "x@c", false),
            ("a*c*e", "abcde", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), is_match, "{pattern} {text}");
        }
    }

    #[test]
    fn rules_are_a_pattern_and_a_negative_code() {
        assert!("gone*=550".parse::<Rule>().is_ok());
        for text in ["", "x", "=550", "x=250", "x=abc", "x=600"] {
            assert!(text.parse::<Rule>().is_err(), "{text}");
        }
    }
}
