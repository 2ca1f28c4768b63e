//! Message ids: RFC 5322 section 3.6.4, and common deviations.

use super::comments::{Plain, without_comments};

/// The ids of a field, without `<>`. If there are words around the `<>`, the content of the `<>`
/// must look like an id; without any `<>`, each word must. If `is_one`, a single word is accepted
/// as it is.
pub(super) fn parse(line: &str, is_one: bool) -> Vec<String> {
    let found = bracketed(line);
    if !found.is_empty() || line.contains('<') {
        return found;
    }
    let words: Vec<_> = line
        .split([' ', ','])
        .filter(|word| !word.is_empty())
        .collect();
    let is_id = |word: &&str| {
        let sides = word.split_once('@');
        sides.is_some_and(|(left, right)| {
            !left.is_empty() && !right.is_empty() && !right.contains('@')
        })
    };
    match &words[..] {
        [_] if is_one => {}
        words if words.iter().all(is_id) => {}
        _ => return Vec::new(),
    }
    words.into_iter().map(str::to_owned).collect()
}

/// The content of each `<>`, outside quotes and comments.
fn bracketed(line: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut open: Option<String> = None;
    let (mut plain, mut has_words) = (Plain::default(), false);
    for c in line.chars() {
        match (c, &mut open) {
            ('>', Some(_)) => ids.extend(open.take()),
            // The one before was not closed.
            ('<', Some(id)) => ids.push(std::mem::take(id)),
            (c, Some(id)) => id.push(c),
            (c, None) => match plain.is_plain(c) && c == '<' {
                true => open = Some(String::new()),
                false => has_words |= c.is_alphanumeric() && !plain.is_comment(),
            },
        }
    }
    ids.extend(open);
    let ids = ids.into_iter().map(bare);
    ids.filter(|id| !id.is_empty() && (!has_words || id.contains('@') && !id.contains(',')))
        .collect()
}

/// An id without the blanks and comments that may be in it: RFC 5322 section 4.5.4. Parentheses are
/// part of the id if it has no blanks, or if they are not balanced: programs write such ids, but no
/// comments in ids.
fn bare(id: String) -> String {
    let mut id = id;
    let count = |wanted: char| id.matches(wanted).count();
    if id.contains(' ') && id.contains('(') && count('(') == count(')') {
        id = without_comments(&id);
    }
    let mut plain = Plain::default();
    id.retain(|c| {
        plain.is_plain(c);
        c != ' ' || plain.is_quoted()
    });
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_from_phrases() {
        for (line, expected) in [
            ("<a@b>", &["a@b"][..]),
            ("<a@b> (c <x@y>) <d@e>", &["a@b", "d@e"]),
            ("<a@b><d@e>,<f@g>", &["a@b", "d@e", "f@g"]),
            ("<a@b", &["a@b"]),
            ("<<a@b>>", &["a@b"]),
            ("<a @b>", &["a@b"]),
            ("a@b d@e", &["a@b", "d@e"]),
            ("a@b", &["a@b"]),
            ("Your message of Monday", &[]),
            ("Your message of \"Mon, 6 Mar <x>\" <a@b>", &["a@b"]),
            ("a@b's message of Monday", &[]),
            ("hello", &[]),
            ("<>", &[]),
            ("", &[]),
            // RFC 5322 appendix A.6.3.
            (
                "<1234   @   local(blah)  .machine .example>",
                &["1234@local.machine.example"],
            ),
            ("<\"a b\"@c>", &["\"a b\"@c"]),
            ("<\"a (b)\"@c>", &["\"a (b)\"@c"]),
            ("<(null)@c>", &["(null)@c"]),
            ("<a(1)@c>", &["a(1)@c"]),
            ("<a (1@c>", &["a(1@c"]),
            ("<a 1)@c>", &["a1)@c"]),
            ("<a (1 b(c)@d>", &["a(1b(c)@d"]),
            ("<\"a \\\" b\" @c>", &["\"a \\\" b\"@c"]),
            ("(a \\) <x@y>) \"\\\" <x@y>\" <a@b>", &["a@b"]),
            ("<a>", &["a"]),
            ("<a,b>", &["a,b"]),
            ("Your message of <Mon, 6 Mar 2024>", &[]),
            ("your mail of <http://x/y> <a@b>", &["a@b"]),
            ("Joe <joe@x>'s message of Mon, 6 Mar 2024", &["joe@x"]),
        ] {
            assert_eq!(parse(line, false), expected, "{line}");
        }
        assert_eq!(parse("hello", true), ["hello"]);
    }
}
