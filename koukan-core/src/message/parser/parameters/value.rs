//! Values as they were meant.

use super::super::{super::token::is_token_char, comments::without_comments, encoded_word};

/// How many repeated names of the field at the start of its value are skipped.
const MAX_NAMES: usize = 3;

/// The value before the parameters: one word, possibly with blanks around its slash.
pub(super) fn value(piece: &str) -> String {
    let text = encoded_word::decode(&without_comments(piece));
    let text = text.trim_matches(|c: char| c.is_whitespace() || "\"'<>,".contains(c));
    let mut words = text.split_whitespace();
    let mut value = words.next().unwrap_or_default().to_owned();
    for word in words {
        if !value.ends_with('/') && !word.starts_with('/') {
            break;
        }
        value.push_str(word);
    }
    // Text after the subtype is not part of it.
    let slash = value.find('/').map_or(0, |slash| slash + 1);
    let end = value[slash..].find(|c| !is_token_char(c));
    value.truncate(end.map_or(value.len(), |end| slash + end));
    value.to_ascii_lowercase()
}

/// The name of a file. If it is not quoted and continues after parentheses, they are part of it.
pub(super) fn file_name(raw: &str) -> String {
    let bare = without_comments(raw);
    let raw = raw.trim();
    let before = raw
        .find('(')
        .map_or(raw, |comment| raw[..comment].trim_end());
    match before.is_empty() || raw.starts_with('"') || bare.trim() == before {
        true => unquote(bare.trim()),
        false => raw.to_owned(),
    }
}

/// A text without the name of its field, which some programs repeat in it.
pub(super) fn without_names(text: &str) -> &str {
    let mut text = text;
    for _ in 0..MAX_NAMES {
        let Some((name, rest)) = text.split_once(':') else {
            break;
        };
        let is_name = |known: &str| known.eq_ignore_ascii_case(name.trim());
        if !is_name("content-type") && !is_name("content-disposition") {
            break;
        }
        text = rest.trim_start();
    }
    text
}

/// The content of quotes, brackets or an encoded word around a value and its parameters.
pub(super) fn unwrapped(piece: &str) -> Option<String> {
    let text = piece.trim();
    let inner = match text.as_bytes().first()? {
        b'"' => unquote(text),
        b'<' => text[1..].trim_end_matches('>').to_owned(),
        b'=' => encoded_word::decode(text),
        _ => return None,
    };
    inner.contains([';', '=']).then_some(inner)
}

/// A value without its quotes.
pub(super) fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else {
        return value.to_owned();
    };
    let mut text = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => text.extend(chars.next()),
            c => text.push(c),
        }
    }
    text
}
