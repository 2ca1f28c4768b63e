//! Ids of messages: RFC 5322 section 3.6.4, and what people make of them.

use super::comments::without_comments;

/// The ids of a field, without `<>`. Where there are words around the `<>`, what stands in it must
/// look like an id, and where there is no `<>`, each word must; `is_one` says that a single word
/// will do.
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

/// What stands in `<>`, but for that in quotes and comments.
fn bracketed(line: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut open: Option<String> = None;
    let (mut is_quoted, mut comments, mut has_words) = (false, 0_usize, false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, &mut open) {
            ('>', Some(_)) => ids.extend(open.take()),
            // The one before had no end.
            ('<', Some(id)) => ids.push(std::mem::take(id)),
            (c, Some(id)) => id.push(c),
            ('\\', None) if is_quoted || comments > 0 => drop(chars.next()),
            ('"', None) if comments == 0 => is_quoted = !is_quoted,
            ('(', None) if !is_quoted => comments += 1,
            (')', None) if !is_quoted => comments = comments.saturating_sub(1),
            ('<', None) if !is_quoted && comments == 0 => open = Some(String::new()),
            (c, None) => has_words |= c.is_alphanumeric() && comments == 0,
        }
    }
    ids.extend(open);
    let ids = ids.into_iter().map(bare);
    ids.filter(|id| !id.is_empty() && (!has_words || id.contains('@') && !id.contains(',')))
        .collect()
}

/// An id without the blanks and the comments that may be in it: RFC 5322 section 4.5.4. Parentheses
/// are part of it where there are no blanks: programs write such ids, and comments in none.
fn bare(id: String) -> String {
    let mut id = id;
    if id.contains(' ') && id.contains('(') {
        id = without_comments(&id);
    }
    let (mut is_quoted, mut is_escaped) = (false, false);
    id.retain(|c| {
        let was_escaped = is_escaped;
        is_escaped = c == '\\' && is_quoted && !was_escaped;
        is_quoted ^= c == '"' && !was_escaped;
        c != ' ' || is_quoted
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
