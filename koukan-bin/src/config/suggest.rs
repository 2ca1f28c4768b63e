//! Suggests what somebody may have meant.

use std::collections::BTreeSet;

/// The candidate nearest to `word`, if one is near enough.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let near_enough = (word.chars().count() / 3).max(1);
    let distances = candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate));
    let (distance, nearest) = distances.min()?;
    (distance <= near_enough).then_some(nearest)
}

/// What to write instead of an unknown name.
pub(crate) fn instead<'a>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> String {
    let known: BTreeSet<_> = known.into_iter().collect();
    match nearest(name, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() => format!("there is no {what} at all"),
        None => format!("there is {}", list(&known)),
    }
}

/// Names, each in quotes.
pub(crate) fn list(names: &BTreeSet<&str>) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// From "unknown field `x`, expected one of y, z", the name that may have been meant.
pub(crate) fn meant(message: &str) -> Option<String> {
    let (what, expected) = message.split_once(", expected ")?;
    if !what.contains("unknown field") && !what.contains("unknown variant") {
        return None;
    }
    let unknown = what.split('`').nth(1)?;
    let expected = expected.strip_prefix("one of ").unwrap_or(expected);
    let known = expected
        .split([',', ' ', '`'])
        .filter(|word| !word.is_empty());
    nearest(unknown, known).map(|meant| format!("did you mean `{meant}`?"))
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour to turn one
/// word into the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                let is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if is_swap {
                    best.min(rows[i - 2][j - 2] + 1)
                } else {
                    best
                }
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_near_and_other_words_are_not() {
        let names = ["received_header", "router", "relay_denied"];
        for (word, meant) in [
            ("recieved_header", Some("received_header")),
            ("ruoter", Some("router")),
            ("relay_deny", Some("relay_denied")),
            ("spam", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, names), meant, "{word}");
        }
    }
}
