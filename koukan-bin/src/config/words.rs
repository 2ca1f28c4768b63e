//! Translates the messages of the YAML and value readers into this agent's words.
//!
//! The readers' messages are for programmers: about types, options and parsers. Somebody who writes
//! a configuration is told what is expected, and what to change.

use super::suggest::meant;

/// How the message of a builder's panic begins.
pub(crate) const PANICKED: &str = "it panicked when it was made: ";

/// A message in plain words, and what to change if that is known.
pub(super) fn plain(message: &str) -> (String, Option<String>) {
    if message.starts_with(PANICKED) {
        // The rest is the embedder's, who knows what it means.
        let help = "change the settings, or the program: a builder can return an error instead";
        return (message.to_owned(), Some(help.into()));
    }
    let help = meant(message);
    let (message, told) = said(message);
    (message, help.or_else(|| told.map(str::to_owned)))
}

/// A message without the choices that it names.
pub(super) fn head(message: &str) -> &str {
    message.split(": there is ").next().unwrap_or(message)
}

/// The messages that never vary.
const SAID: &[(&str, &str, Option<&str>)] = &[
    ("expected mapping start", MAPPING, Some(HOW_MAPPING)),
    ("expected sequence start", LIST, Some(HOW_LIST)),
    (
        "expected string scalar",
        "a single value is expected here, not a list or a mapping",
        None,
    ),
    (
        "cannot deserialize null into",
        "the value is missing",
        Some("write one after the colon, or leave the key out"),
    ),
    (
        "multiple YAML documents",
        "the file holds more than one document",
        Some("remove the line `---` and what does not belong here"),
    ),
    ("unexpected end of input", "the file ends too early", None),
    (
        "mapping values are not allowed",
        "a value holds a colon and a blank, which would begin a mapping",
        Some("put the value in quotes"),
    ),
    (
        "only valid inside a block",
        "`- ` begins an item of a list, and there is none here",
        Some(
            "begin each item on a line of its own; look before it for `{` or `[` that is not closed",
        ),
    ),
    (
        "misplaced bracket",
        "a bracket is closed here that was not opened",
        Some("remove it, or open it before"),
    ),
    (
        "failed to find time component",
        "a time is expected, not only a date",
        Some("write it as in `2026-12-31T23:59:59Z`"),
    ),
    (
        "tabs disallowed",
        "a TAB stands where the indentation ends",
        Some("indent with spaces"),
    ),
    (
        "expected end of mapping after enum variant value",
        "there is one too many here",
        Some("leave one of them: a chain ends in one endpoint, and a rule is one rule"),
    ),
    (
        "invalid u64",
        "a whole number is expected, of 0 or more",
        None,
    ),
    (
        "invalid u32",
        "a whole number is expected, of 0 or more",
        None,
    ),
    (
        "invalid usize",
        "a whole number is expected, of 0 or more",
        None,
    ),
    ("invalid i64", "a whole number is expected", None),
    ("invalid i32", "a whole number is expected", None),
    ("invalid boolean", "`true` or `false` is expected", None),
    (
        "externally tagged enum expected",
        "one word, or a mapping with one key, is expected here",
        None,
    ),
    (
        "invalid socket address",
        "an IP address and a port are expected, or the path of a Unix socket",
        Some("write it as in `127.0.0.1:1025`, `0.0.0.0:25`, `[::]:25` or `unix:/run/koukan/smtp`"),
    ),
    (
        "alias references unknown anchor",
        "`*` at the start of a value refers to another place of the file, and there is none of that name",
        Some("put the value in quotes"),
    ),
    (
        "failed to parse",
        "a time is expected",
        Some("write it as in `2026-12-31T23:59:59Z`"),
    ),
    (
        "illegal placement of ':'",
        "a `:` stands where none can be",
        Some(
            "put a value with a colon in quotes, and look for a bracket before it that is not closed",
        ),
    ),
    (
        "did not find expected",
        "something is not closed, or not separated by a comma",
        Some("look for `{` and `[` without their other half"),
    ),
    (
        "invalid trailing content after",
        "something follows a text in quotes that is over",
        Some("look for a quote that is not closed"),
    ),
];

const MAPPING: &str = "a mapping is expected here";
const HOW_MAPPING: &str =
    "write `key: value`, each on a line of its own and indented alike, or `{ key: value }`";
const LIST: &str = "a list is expected here";
const HOW_LIST: &str = "begin each item with `- ` on a line of its own, or write `[one, another]`";

fn said(message: &str) -> (String, Option<&'static str>) {
    if let Some(name) = quoted(message, "missing field `") {
        return (format!("`{name}` is missing"), None);
    }
    if let Some(key) = message.strip_prefix("duplicate mapping key: ") {
        let key = key.split(',').next().unwrap_or_default();
        let text = format!("`{key}` is there twice");
        return (text, Some("leave one of them"));
    }
    if let Some(name) = quoted(message, "unknown field `") {
        return (
            format!("there is no key `{name}` here{}", choice(message)),
            None,
        );
    }
    if message.starts_with("unknown variant `~`") || message.starts_with("unknown variant ``") {
        let text = format!("a word is missing{}", choice(message));
        return (text, Some("write one after the colon"));
    }
    if let Some(name) = quoted(message, "unknown variant `") {
        return (
            format!("`{name}` is not known here{}", choice(message)),
            None,
        );
    }
    if let Some(found) = message.strip_prefix("unexpected character: `") {
        let found = found.trim_end_matches('\'');
        let text = format!("a value cannot begin with `{found}`");
        return (text, Some("put it in quotes"));
    }
    for kind in ["invalid type: ", "invalid value: "] {
        if let Some((found, expected)) = message
            .strip_prefix(kind)
            .and_then(|rest| rest.split_once(", expected "))
        {
            return mistaken(found, expected);
        }
    }
    let known = SAID.iter().find(|(said, ..)| message.contains(said));
    match known {
        Some((_, text, help)) => ((*text).to_owned(), *help),
        None => (message.to_owned(), None),
    }
}

/// The message for a wrong type or value.
fn mistaken(found: &str, expected: &str) -> (String, Option<&'static str>) {
    // For example "string \"x\"", "integer `5`", "map", "unit value".
    let value = found
        .split_once(' ')
        .map_or("", |(_, value)| value)
        .trim_matches('`');
    let (expected, help) = match expected {
        "a sequence" => ("a list", Some(HOW_LIST)),
        "a map" => ("a mapping", Some(HOW_MAPPING)),
        "map with a single key" => (
            "one key with its settings",
            Some("start each one with `- `, and indent what belongs to it"),
        ),
        "string or map" => (
            "a name, or a name and its settings as in `name: {}`",
            Some("write it behind `- `"),
        ),
        _ if expected.starts_with("struct ") => ("a mapping", Some(HOW_MAPPING)),
        "a string" | "a borrowed string" => ("a text", None),
        "a character" => ("a single character", None),
        "a boolean" => ("`true` or `false`", None),
        _ if expected.starts_with("a nonzero") => ("a number of at least 1", None),
        "u8" | "u16" | "u32" | "u64" | "usize" => ("a whole number that is not negative", None),
        expected => (expected, None),
    };
    let found = match found {
        "map" => "a mapping",
        "sequence" => "a list",
        "null" | "unit value" => "nothing",
        "unit variant" | "variant" | "newtype variant" => "a word alone",
        _ if value.is_empty() => found,
        _ => value,
    };
    (format!("{expected} is expected, not {found}"), help)
}

/// The word in backquotes that follows `before`.
fn quoted<'a>(message: &'a str, before: &str) -> Option<&'a str> {
    message.strip_prefix(before)?.split('`').next()
}

/// The list of possible choices, always in the same form.
fn choice(message: &str) -> String {
    let Some((_, expected)) = message.split_once(", expected ") else {
        return String::new();
    };
    let expected = expected.strip_prefix("one of ").unwrap_or(expected);
    let words = expected
        .split([',', ' ', '`'])
        .filter(|word| !word.is_empty() && *word != "or");
    let words: Vec<_> = words.map(|word| format!("`{word}`")).collect();
    format!(": there is {}", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_of_a_library_is_left() {
        for (message, told, help) in [
            ("missing field `endpoint`", "`endpoint` is missing", ""),
            (
                "duplicate mapping key: hostname, set DuplicateKeyPolicy in Options if acceptable",
                "`hostname` is there twice",
                "leave one of them",
            ),
            (
                "cannot deserialize null into string; use Option<String>",
                "the value is missing",
                "after the colon",
            ),
            (
                "multiple YAML documents detected; use from_str_multiple",
                "more than one document",
                "`---`",
            ),
            (
                "unknown field `domain`, expected one of `domains`, `prefixes`",
                "there is no key `domain` here: there is `domains`, `prefixes`",
                "did you mean `domains`?",
            ),
            (
                "unknown variant `loud`, expected one of error, warn",
                "`loud` is not known here: there is `error`, `warn`",
                "",
            ),
            (
                "invalid type: string \"example.com\", expected a sequence",
                "a list is expected, not \"example.com\"",
                "`- `",
            ),
            (
                "invalid type: string \"big\", expected struct MessageBuilder",
                "a mapping is expected, not \"big\"",
                "key: value",
            ),
            (
                "invalid value: integer `0`, expected a nonzero usize",
                "a number of at least 1 is expected, not 0",
                "",
            ),
            (
                "invalid value: string \"++\", expected a character",
                "a single character is expected, not \"++\"",
                "",
            ),
            (
                "unexpected character: `@'",
                "cannot begin with `@`",
                "quotes",
            ),
            ("invalid u64", "a whole number is expected", ""),
        ] {
            let (text, remedy) = plain(message);
            assert!(text.contains(told), "{text}");
            assert!(remedy.unwrap_or_default().contains(help), "{message}");
        }
    }
}
