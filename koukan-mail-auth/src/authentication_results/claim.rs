//! Whose results a field claims to be: RFC 8601 section 2.2.

use crate::domain::ascii_domain;

/// Whether the value of a field claims to be of the agent of that name (in lower case and as A-labels), in
/// whatever way that is written.
pub(super) fn is_claimed(value: &[u8], name: &str) -> bool {
    let text = String::from_utf8_lossy(value);
    let mut claimed = String::new();
    let (mut comments, mut is_quoted) = (0_usize, false);
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' if is_quoted || comments > 0 => {
                let escaped = chars.next().filter(|_| comments == 0);
                claimed.extend(escaped);
            }
            '(' if !is_quoted => comments += 1,
            ')' if comments > 0 => comments -= 1,
            _ if comments > 0 => {}
            '"' => is_quoted = !is_quoted,
            // What cannot stand in a name ends it for some readers.
            ';' | ',' | ':' | '/' if !is_quoted => break,
            // A version may follow.
            _ if char.is_whitespace() && !is_quoted => {
                if !claimed.is_empty() {
                    break;
                }
            }
            _ => claimed.push(char),
        }
    }
    // Some readers decode what only texts may have: RFC 2047. Nobody else writes that here.
    claimed.starts_with("=?")
        || ascii_domain(claimed.trim_end_matches('.')).is_some_and(|claimed| claimed == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_results_they_claim_to_be() {
        for (value, is_ours) in [
            (" mx.example.com; spf=pass", true),
            ("MX.Example.COM;none", true),
            ("\r\n\tmx.example.com 1; none", true),
            (" (a (b) \\) ;) mx.example.com(c) ; none", true),
            (" \"mx.example.com\"; none", true),
            (" \"mx.ex\\ample.com\"; none", true),
            (" mx.example.com.; none", true),
            (" mx.example.com", true),
            (" mx.example.com/1; none", true),
            (" mx.example.com, other.example; none", true),
            (" m\u{ff58}.example.com; none", true),
            (" mx.exam\u{ad}ple\u{3002}com; none", true),
            (" =?utf-8?q?mx=2Eexample=2Ecom?=; none", true),
            (" amx.example.com; none", false),
            (" mx.example.com.evil.example; none", false),
            (" other.example; mx.example.com", false),
            ("", false),
        ] {
            assert_eq!(
                is_claimed(value.as_bytes(), "mx.example.com"),
                is_ours,
                "{value:?}"
            );
        }
    }
}
