//! Extracts the product code of a source file: without comments, strings and tests.

/// The source with blanks in place of comments, quoted texts, and items for tests. Line ends stay,
/// so that lines keep their numbers.
pub(crate) fn code(source: &str) -> String {
    without_tests(&without_texts(source))
}

fn without_texts(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let len = text_len(rest, &code);
        match len {
            0 => {
                code.push(first);
                rest = &rest[first.len_utf8()..];
            }
            len => {
                code.extend(rest[..len].chars().map(blank));
                rest = &rest[len..];
            }
        }
    }
    code
}

fn blank(char: char) -> char {
    if char == '\n' { '\n' } else { ' ' }
}

/// The length of the comment, string or character at the beginning of `rest`; 0 if there is none.
fn text_len(rest: &str, before: &str) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment_len(rest);
    }
    if rest.starts_with('"') {
        return quoted_len(rest, '"');
    }
    let is_word = before.ends_with(|char: char| char.is_alphanumeric() || char == '_');
    if !is_word && rest.starts_with("r\"") || rest.starts_with("r#") {
        return raw_len(rest);
    }
    if rest.starts_with('\'') {
        let mut chars = rest.chars().skip(1);
        // Anything else is a lifetime.
        if chars.next() == Some('\\') || chars.next() == Some('\'') {
            return quoted_len(rest, '\'');
        }
    }
    0
}

fn block_comment_len(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn quoted_len(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, char) in rest.char_indices().skip(1) {
        match char {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            char if char == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of `r"…"` or `r#"…"#`; a raw identifier such as `r#type` is not a string.
fn raw_len(rest: &str) -> usize {
    let hashes = rest[1..].bytes().take_while(|octet| *octet == b'#').count();
    let inner = 1 + hashes;
    if !rest[inner..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let found = rest[inner + 1..].find(&end);
    found.map_or(rest.len(), |at| inner + 1 + at + end.len())
}

/// Blanks everything after `#[cfg(test)]` to the end of that item.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut product = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        product.push_str(&rest[..at]);
        let len = MARK.len() + item_len(&rest[at + MARK.len()..]);
        product.extend(rest[at..at + len].chars().map(blank));
        rest = &rest[at + len..];
    }
    product.push_str(rest);
    product
}

/// An item ends with a semicolon, or with the brace that closes its first one; a list in braces may
/// be followed by a semicolon.
fn item_len(rest: &str) -> usize {
    let mut depth = 0_usize;
    for (at, char) in rest.char_indices() {
        match char {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && char == '}' {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    rest.len()
}
