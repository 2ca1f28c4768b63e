//! Text of structured fields.

use super::{
    super::spec::{Grammar, Kind, Token, tokens},
    encoded_word,
    field::{Field, LINE, LINE_MAX},
};

/// Adds a text that was checked. ASCII is unchanged, and folded at its blanks. The rest is encoded
/// by its grammar: encoded words for words and within comments, percent-encoding within URIs.
///
/// Where blanks are too rare, it is folded after marks; only where the line would exceed the
/// absolute limit, between any two tokens.
pub(super) fn add(field: &mut Field, text: &str, grammar: Grammar) {
    if grammar == Grammar::Uri {
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            field.word(&percent(word));
        }
        return;
    }
    let tokens = tokens(text);
    let mut rest = &tokens[..];
    // An encoded word needs a blank, or a parenthesis, on either side.
    let mut was_encoded = true;
    let mut line = LINE_MAX;
    while let Some(token) = rest.first() {
        let phrase = phrase_len(rest);
        if phrase > 0 {
            let words: Vec<_> = rest[..phrase].iter().map(unquoted).collect();
            encoded_word::add(field, &words.join(" "));
            rest = &rest[phrase..];
            was_encoded = true;
            line = LINE_MAX;
            continue;
        }
        if token.kind == Kind::Comment && !token.text.is_ascii() {
            let inner = &token.text[1..];
            let inner = inner.strip_suffix(')').unwrap_or(inner);
            encoded_word::add_within(field, "(", inner, ")");
        } else {
            let is_apart = token.is_apart || was_encoded && token.kind != Kind::Mark;
            // A mark stands in the line of what it follows.
            let next = rest.get(1).filter(|next| next.kind == Kind::Mark);
            let mark = usize::from(next.is_some_and(|next| !next.is_apart));
            add_plain(field, &percent(token.text), is_apart, line - mark);
        }
        was_encoded = false;
        line = line_after(token, grammar);
        rest = &rest[1..];
    }
}

/// Octets that a line may have before it is folded behind a token, where there is no blank.
fn line_after(token: &Token<'_>, grammar: Grammar) -> usize {
    match token.text {
        ";" => LINE,
        // Some of these have URIs, of which a comma may be a part.
        "," if grammar != Grammar::Tokens => LINE,
        _ => LINE_MAX,
    }
}

/// How many words in a row are not ASCII, so that they are encoded together.
fn phrase_len(tokens: &[Token<'_>]) -> usize {
    let is_encoded = |token: &&Token<'_>| {
        matches!(token.kind, Kind::Word | Kind::Quoted) && !token.text.is_ascii()
    };
    tokens.iter().take_while(is_encoded).count()
}

/// What a word says.
fn unquoted(token: &Token<'_>) -> String {
    if token.kind != Kind::Quoted {
        return token.text.to_owned();
    }
    let inner = &token.text[1..];
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    inner.replace("\\\"", "\"").replace("\\\\", "\\")
}

/// Adds what is ASCII, folded at its blanks; beside what is there, unless it `is_apart` or the line has
/// more than `line` octets then.
fn add_plain(field: &mut Field, text: &str, is_apart: bool, line: usize) {
    let mut is_apart = is_apart;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match is_apart {
            true => field.word(word),
            false => field.beside(word, line),
        };
        is_apart = true;
    }
}

/// A text whose octets that are not ASCII are percent-encoded: RFC 3987 section 3.1.
fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii() => encoded.push(c),
            c => {
                let mut octets = [0; 4];
                for octet in c.encode_utf8(&mut octets).bytes() {
                    encoded.push_str(&format!("%{octet:02X}"));
                }
            }
        }
    }
    encoded
}
