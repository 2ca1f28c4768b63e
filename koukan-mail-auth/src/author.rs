//! Who has written a message: the domains of its `From` field.

use crate::{dkim::fields, domain::ascii_domain};

/// The domains of the authors that a message names, each once, in lower case and as A-labels; none where
/// the header section has no `From` field, or several.
///
/// *Shape*: `section` is the header section, with CRLF line ends. Comments, quotes and display names are
/// not taken for addresses (RFC 5322 section 3.4); what is no address is left out.
pub fn author_domains(section: &[u8]) -> Vec<String> {
    let mut from = fields(section).filter(|field| field.is("From"));
    match (from.next(), from.next()) {
        (Some(field), None) => domains(field.value()),
        _ => Vec::new(),
    }
}

fn domains(value: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for address in addresses(&String::from_utf8_lossy(value)) {
        let domain = address.rsplit_once('@').map(|(_, domain)| domain);
        let Some(domain) = domain.and_then(ascii_domain) else {
            continue;
        };
        if !found.contains(&domain) {
            found.push(domain);
        }
    }
    found
}

/// The addresses of a list: what stands in `<>`, or else all that is neither quoted nor a comment.
fn addresses(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut address = Address::default();
    let mut comments = 0_usize;
    let mut is_quoted = false;
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        let is_literal = comments > 0 || is_quoted;
        match char {
            // What is escaped never ends anything.
            '\\' if is_literal => {
                if let (Some(escaped), 0) = (chars.next(), comments) {
                    address.push(if escaped == '@' { '_' } else { escaped });
                }
            }
            '(' if !is_quoted => comments += 1,
            ')' if comments > 0 => comments -= 1,
            _ if comments > 0 => {}
            '"' => is_quoted = !is_quoted,
            // The local part may have one; it is the last that counts, and it is never quoted.
            '@' if is_quoted => address.push('_'),
            _ if is_quoted => address.push(char),
            '<' => address.begin(),
            '>' => address.is_open = false,
            // The name of a group has no address.
            ':' if !address.is_open && !address.text.contains('[') => address = Address::default(),
            ',' | ';' if !address.is_open => {
                found.extend(std::mem::take(&mut address).finish());
            }
            // A route, as in `<@a,@b:c@d>`.
            ':' if !address.text.contains('[') => address.text.clear(),
            _ if char.is_whitespace() => {}
            _ => address.push(char),
        }
    }
    found.extend(address.finish());
    found
}

#[derive(Default)]
struct Address {
    text: String,
    /// Within `<>`.
    is_open: bool,
    /// It is what stood in `<>`.
    has_angle: bool,
}

impl Address {
    fn begin(&mut self) {
        if !self.has_angle {
            *self = Self {
                text: String::new(),
                is_open: true,
                has_angle: true,
            };
        }
    }

    fn push(&mut self, char: char) {
        if self.is_open || !self.has_angle {
            self.text.push(char);
        }
    }

    fn finish(self) -> Option<String> {
        self.text.contains('@').then_some(self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_domains_they_are() {
        for (value, expected) in [
            ("alice@Example.COM", "example.com"),
            ("Alice <alice@example.com>", "example.com"),
            ("\"bob@evil.example\" <alice@example.com>", "example.com"),
            ("bob@evil.example <alice@example.com>", "example.com"),
            ("alice@example.com (bob@evil.example)", "example.com"),
            (
                "(a (nested\\) <x@y.example>) one) alice@example.com",
                "example.com",
            ),
            (
                "\"a\\\"<b@evil.example>\" <\"x@y\"@example.com>",
                "example.com",
            ),
            ("alice@\r\n example.com", "example.com"),
            ("alice @ example . com", "example.com"),
            (
                "a@a.example, B <b@b.example>,c@A.example",
                "a.example b.example",
            ),
            ("Group: a@a.example, b@b.example;", "a.example b.example"),
            ("undisclosed:;", ""),
            ("<@relay.example:alice@example.com>", "example.com"),
            ("<@r.example,@s.example:alice@example.com>", "example.com"),
            ("alice@example.com.", "example.com"),
            ("alice@b\u{fc}cher.example", "xn--bcher-kva.example"),
            ("alice@[192.0.2.1]", ""),
            ("alice", ""),
            ("", ""),
            ("<>", ""),
            (
                "Alice <alice@example.com> <bob@evil.example>",
                "example.com",
            ),
            ("alice@ex/ample.com", ""),
        ] {
            assert_eq!(domains(value.as_bytes()).join(" "), expected, "{value:?}");
        }
    }

    #[test]
    fn only_one_field_counts() {
        assert_eq!(
            author_domains(b"To: x@y\r\nfrom : a@b.example\r\n"),
            ["b.example"]
        );
        assert!(author_domains(b"From: a@b.example\r\nFrom: c@d.example\r\n").is_empty());
        assert!(author_domains(b"Subject: From: a@b.example\r\n").is_empty());
    }
}
