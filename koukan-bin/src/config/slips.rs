//! Mistakes that a YAML reader only notices lines later: quotes and brackets that are not closed.

/// Where a quote or bracket is opened and not closed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unclosed {
    pub(super) line: u64,
    pub(super) column: u64,
    /// The character that opens.
    pub(super) opened: char,
}

/// What is open before the end of `line` (counted from 1) and should not be: a quote at the end of
/// a line, or a bracket before a line that begins a key of a block.
pub(super) fn unclosed_before(text: &str, line: u64) -> Option<Unclosed> {
    let mut brackets: Vec<Unclosed> = Vec::new();
    for (index, content) in text.lines().enumerate() {
        let number = index as u64 + 1;
        if number > line {
            break;
        }
        // Lines within brackets may be indented in any way, except like a new key of the block.
        if is_key(content)
            && let Some(open) = brackets.pop_if(|open| indentation(content) < open.column)
        {
            return Some(open);
        }
        if let Some((column, opened)) = scan(content, number, &mut brackets) {
            return Some(Unclosed {
                line: number,
                column,
                opened,
            });
        }
    }
    brackets.pop()
}

/// Whether a line begins with a key of a block, or with an item of a list.
fn is_key(line: &str) -> bool {
    let trimmed = line.trim_start().trim_start_matches("- ");
    let name = trimmed.split(':').next().unwrap_or_default();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_named = !name.is_empty() && name.len() < trimmed.len() && name.chars().all(is_word);
    is_named || line.trim_start().starts_with("- ")
}

fn indentation(line: &str) -> u64 {
    (line.len() - line.trim_start().len()) as u64
}

/// Scans a line; returns where it opens a quote that it does not close.
fn scan(line: &str, number: u64, brackets: &mut Vec<Unclosed>) -> Option<(u64, char)> {
    let mut quote: Option<(u64, char)> = None;
    let mut before = ' ';
    let mut is_escaped = false;
    for (index, c) in line.chars().enumerate() {
        let column = index as u64 + 1;
        match quote {
            Some((_, '"')) if is_escaped => is_escaped = false,
            Some((_, '"')) if c == '\\' => is_escaped = true,
            Some((_, opened)) => {
                if c == opened {
                    quote = None;
                }
            }
            None => match c {
                '#' if before.is_whitespace() => break,
                // Within a word, these are ordinary characters.
                '"' | '\'' if " \t[{,:-".contains(before) => quote = Some((column, c)),
                '{' | '[' if " \t[{,:".contains(before) => brackets.push(Unclosed {
                    line: number,
                    column,
                    opened: c,
                }),
                '}' | ']' => {
                    brackets.pop();
                }
                _ => {}
            },
        }
        before = c;
    }
    quote
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unclosed(text: &str) -> Option<(u64, u64, char)> {
        let lines = text.lines().count() as u64;
        unclosed_before(text, lines).map(|found| (found.line, found.column, found.opened))
    }

    #[test]
    fn what_is_not_closed_is_found_where_it_is_opened() {
        for (text, found) in [
            ("a: \"x\nb: \"y\"\n", Some((1, 4, '"'))),
            ("a: 'it''s'\nb: 'y\n", Some((2, 4, '\''))),
            ("a: { b: c\nd:\n", Some((1, 4, '{'))),
            ("a: [\"x\"\n  endpoint:\n", Some((1, 4, '['))),
            ("a:\n  - { b: [c] \n  - d\n", Some((2, 5, '{'))),
            ("a: [x,\n  y]\nb: c\n", None),
            ("# it's {\na: b # \"\n", None),
            ("a: \"\\\"\"\nb: it's\n", None),
            ("a: x{y\n", None),
        ] {
            assert_eq!(unclosed(text), found, "{text}");
        }
    }
}
