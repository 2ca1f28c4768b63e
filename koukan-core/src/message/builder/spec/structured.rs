//! Text of structured header fields.

use super::super::limits::MAX_WORD;

use super::grammar::Grammar;

/// A token of such a text.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Token<'a> {
    pub(in super::super) kind: Kind,
    /// Including its brackets, parentheses or quotes.
    pub(in super::super) text: &'a str,
    /// Whether it is preceded by a blank.
    pub(in super::super) is_apart: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    Word,
    /// `,`, `;` or `:`.
    Mark,
    /// `<…>`.
    Angle,
    /// `(…)`.
    Comment,
    /// `"…"`.
    Quoted,
}

/// Splits a text into tokens. An unclosed token extends to the end.
pub(in super::super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start_matches(' ');
        let is_apart = trimmed.len() < rest.len();
        let Some(first) = trimmed.chars().next() else {
            return tokens;
        };
        let (kind, length) = match first {
            '<' => (Kind::Angle, trimmed.find('>').map(|end| end + 1)),
            '(' => (Kind::Comment, end_of_comment(trimmed)),
            '"' => (Kind::Quoted, end_of_quoted(trimmed)),
            ',' | ';' | ':' => (Kind::Mark, Some(1)),
            _ => (Kind::Word, trimmed.find([' ', '<', '(', '"', ',', ';'])),
        };
        let (text, tail) = trimmed.split_at(length.unwrap_or(trimmed.len()));
        tokens.push(Token {
            kind,
            text,
            is_apart,
        });
        rest = tail;
    }
}

fn end_of_comment(text: &str) -> Option<usize> {
    let (mut depth, mut is_escaped) = (0_usize, false);
    for (position, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(position + 1);
        }
    }
    None
}

fn end_of_quoted(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (position, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return Some(position + 1),
            _ => {}
        }
    }
    None
}

/// Why a text cannot be written in a field with a grammar, if it cannot.
pub(super) fn check(text: &str, grammar: Grammar) -> Result<(), String> {
    let has_long = match grammar {
        // Percent-encoding can triple each octet.
        Grammar::Uri => text
            .split(' ')
            .map(percent_len)
            .any(|length| length > MAX_WORD),
        _ => tokens(text).iter().any(is_long),
    };
    if has_long {
        return Err(format!(
            "must not have a word longer than {MAX_WORD} octets"
        ));
    }
    let has_phrases = match grammar {
        Grammar::Phrases => true,
        // An encoded text with an address in it would hide the address.
        Grammar::AddressesOrPhrases => !text.contains('@'),
        _ => false,
    };
    let is_fine =
        |token: &Token<'_>| token.text.is_ascii() || has_phrases || token.kind == Kind::Comment;
    if grammar != Grammar::Uri && !tokens(text).iter().all(is_fine) {
        return Err("must be ASCII: the field has no way to say anything else".into());
    }
    Ok(())
}

fn is_long(token: &Token<'_>) -> bool {
    match token.kind {
        // A token with other characters than ASCII is encoded, and so can be folded.
        Kind::Comment | Kind::Quoted | Kind::Word if !token.text.is_ascii() => false,
        Kind::Angle => percent_len(token.text) > MAX_WORD,
        _ => token.text.split(' ').any(|word| word.len() > MAX_WORD),
    }
}

fn percent_len(text: &str) -> usize {
    let length = |octet: u8| if octet.is_ascii() { 1 } else { 3 };
    text.bytes().map(length).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_divided() {
        let tokens = tokens("a b<c d>, \"e\\\" f\" (g (h) i)j;k (l");
        let found: Vec<_> = tokens
            .iter()
            .map(|token| (token.text, token.is_apart))
            .collect();
        let expected = [
            ("a", false),
            ("b", true),
            ("<c d>", false),
            (",", false),
            ("\"e\\\" f\"", true),
            ("(g (h) i)", true),
            ("j", false),
            (";", false),
            ("k", false),
            ("(l", true),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_cannot_be_written_is_told() {
        let long = "x".repeat(901);
        for (text, grammar, is_fine) in [
            ("auto-replied", Grammar::Tokens, true),
            ("auto-replied (grün)", Grammar::Tokens, true),
            ("grün", Grammar::Tokens, false),
            ("grün", Grammar::Phrases, true),
            ("grün", Grammar::Uri, true),
            ("grün", Grammar::AddressesOrPhrases, true),
            ("grün ü@", Grammar::AddressesOrPhrases, false),
            (&long, Grammar::Tokens, false),
            (&long, Grammar::Uri, false),
            (&"ü".repeat(200), Grammar::Uri, false),
            (&"ü".repeat(2000), Grammar::Phrases, true),
        ] {
            assert_eq!(check(text, grammar).is_ok(), is_fine, "{text}");
        }
    }
}
