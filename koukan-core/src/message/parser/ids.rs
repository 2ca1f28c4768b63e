//! Ids of messages: RFC 5322 section 3.6.4, and what people make of them.

/// The ids of a field, without `<>`. Where they have no `<>`, each word must look like an id;
/// `is_one` says that a single word will do.
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
    let (mut is_quoted, mut comments) = (false, 0_usize);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, &mut open) {
            ('>', Some(_)) => ids.extend(open.take()),
            // The one before had no end.
            ('<', Some(id)) => ids.push(std::mem::take(id)),
            (' ', Some(_)) => {}
            (c, Some(id)) => id.push(c),
            ('\\', None) if is_quoted || comments > 0 => drop(chars.next()),
            ('"', None) if comments == 0 => is_quoted = !is_quoted,
            ('(', None) if !is_quoted => comments += 1,
            (')', None) if !is_quoted => comments = comments.saturating_sub(1),
            ('<', None) if !is_quoted && comments == 0 => open = Some(String::new()),
            _ => {}
        }
    }
    ids.extend(open);
    ids.retain(|id| !id.is_empty());
    ids
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
        ] {
            assert_eq!(parse(line, false), expected, "{line}");
        }
        assert_eq!(parse("hello", true), ["hello"]);
    }
}
