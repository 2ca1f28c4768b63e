//! The imports of a file from the root of its crate.

use super::{code::code, sources::Source};

/// A name at the root of the crate that a file uses or declares.
pub(crate) struct Import {
    pub(crate) name: String,
    /// Counted from 1.
    pub(crate) line: usize,
}

/// The names that a file reaches through `crate::` or through `super::` from the root of the crate,
/// in imports and elsewhere, except in tests.
pub(crate) fn imports(source: &Source) -> Vec<Import> {
    if source.is_test() {
        return Vec::new();
    }
    let tokens = tokens(&code(&source.text));
    let mut imports = Vec::new();
    for at in 0..tokens.len() {
        if let Some(rest) = from_root(&tokens, at, source.depth()) {
            names(rest, &mut imports);
        }
    }
    imports
}

/// The modules that a file declares.
pub(crate) fn declared(source: &Source) -> Vec<Import> {
    let tokens = tokens(&code(&source.text));
    let declared = tokens.windows(3).filter_map(|tokens| match tokens {
        [word, name, end] if word.text == "mod" && end.text == ";" => Some(Import {
            name: name.text.clone(),
            line: name.line,
        }),
        _ => None,
    });
    declared.collect()
}

struct Token {
    /// A word, `::`, or one other character.
    text: String,
    line: usize,
}

fn tokens(code: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    for (index, text) in code.lines().enumerate() {
        let line = index + 1;
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let is_other = |char: char| !char.is_alphanumeric() && char != '_';
            let len = match rest.find(is_other) {
                Some(0) if rest.starts_with("::") => 2,
                Some(0) => rest.chars().next().map_or(1, char::len_utf8),
                Some(len) => len,
                None => rest.len(),
            };
            let text = rest[..len].into();
            tokens.push(Token { text, line });
            rest = rest[len..].trim_start();
        }
    }
    tokens
}

/// What follows `crate::`, or the number of `super::` that leads to the root, at `at`.
fn from_root(tokens: &[Token], at: usize, depth: usize) -> Option<&[Token]> {
    let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.text == text);
    if is(at, "crate") && is(at + 1, "::") {
        return Some(&tokens[at + 2..]);
    }
    let is_inner = at > 0 && is(at - 1, "::");
    let supers = (0..depth).all(|step| is(at + 2 * step, "super") && is(at + 2 * step + 1, "::"));
    (supers && depth > 0 && !is_inner).then(|| &tokens[at + 2 * depth..])
}

/// The first name of a path, or of each path in a list. Macros are left out, because exported ones
/// are named at the root whatever module they are in.
fn names(rest: &[Token], imports: &mut Vec<Import>) {
    let mut depth = 0_usize;
    let mut is_first = true;
    for (at, token) in rest.iter().enumerate() {
        match &*token.text {
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            "," if depth == 1 => is_first = true,
            _ => {
                let is_macro = rest.get(at + 1).is_some_and(|next| next.text == "!");
                if is_first && depth <= 1 && !is_macro {
                    imports.push(Import {
                        name: token.text.clone(),
                        line: token.line,
                    });
                }
                is_first = false;
            }
        }
        if depth == 0 {
            return;
        }
    }
}
