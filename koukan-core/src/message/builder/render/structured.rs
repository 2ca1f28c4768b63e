//! Text of fields whose grammar is more than text.

use super::{
    super::spec::{Grammar, Kind, Token, tokens},
    encoded_word,
    field::Field,
};

/// Adds a text that was checked: ASCII as it is, folded at its blanks, and the rest as its grammar
/// has it: encoded words for words and within comments, percent-encoding within URIs.
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
    while let Some(token) = rest.first() {
        let phrase = phrase_len(rest);
        if phrase > 0 {
            let words: Vec<_> = rest[..phrase].iter().map(unquoted).collect();
            encoded_word::add(field, &words.join(" "));
            rest = &rest[phrase..];
            was_encoded = true;
            continue;
        }
        if token.kind == Kind::Comment && !token.text.is_ascii() {
            let inner = &token.text[1..];
            let inner = inner.strip_suffix(')').unwrap_or(inner);
            encoded_word::add_within(field, "(", inner, ")");
        } else {
            let is_apart = token.is_apart || was_encoded && token.kind != Kind::Mark;
            add_plain(field, &percent(token.text), is_apart);
        }
        was_encoded = false;
        rest = &rest[1..];
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

/// Adds what is ASCII, folded at its blanks.
fn add_plain(field: &mut Field, text: &str, is_apart: bool) {
    let mut is_apart = is_apart;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match is_apart {
            true => field.word(word),
            false => field.append(word),
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
