//! Whose results a field claims to contain: RFC 8601 section 2.2.

use crate::domain::ascii_domain;

/// Whether a field's value claims to come from the agent `name` (lower case, A-labels). Every way to write
/// the name is recognised.
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
            // For some readers, a character that cannot stand in a name ends it.
            ';' | ',' | ':' | '/' if !is_quoted => break,
            // A version number may follow.
            _ if char.is_whitespace() && !is_quoted => {
                if !claimed.is_empty() {
                    break;
                }
            }
            _ => claimed.push(char),
        }
    }
    // Some readers decode encoded words here, although only texts may contain them: RFC 2047. No
    // honest agent writes one here.
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
