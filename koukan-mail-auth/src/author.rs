//! The author of a message: the domains of its `From` field.

use std::collections::HashSet;

use bytes::Bytes;
use koukan_core::message::header_section::HeaderSection;

use crate::domain::ascii_domain;

/// The domains of the authors, each once, in lower case and as A-labels. Empty where the header section has
/// no `From` field or several, or where readers might read different domains.
///
/// *Shape*: `section` is the header section. Comments, quotes and display names are not taken for addresses
/// (RFC 5322 section 3.4).
pub fn author_domains(section: &[u8]) -> Vec<String> {
    let header = HeaderSection::parse(Bytes::copy_from_slice(section));
    let mut from = header.all("From");
    let (Some(field), None) = (from.next(), from.next()) else {
        return Vec::new();
    };
    // If one domain cannot be read for certain, none of them is certain.
    let domains: Option<Vec<_>> = field.addresses().iter().map(|it| domain(it)).collect();
    let mut seen = HashSet::new();
    let mut domains = domains.unwrap_or_default();
    domains.retain(|domain| seen.insert(domain.clone()));
    domains
}

/// The domain of an address. The local part may be anything: only its host knows what it means.
fn domain(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let is_quoted = local.len() > 1 && local.starts_with('"') && local.ends_with('"');
    let is_whole = is_quoted || !local.contains(['@', '<', '>', ',', '"']);
    ascii_domain(domain).filter(|_| is_whole)
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
                "example.com evil.example",
            ),
            ("alice@ex/ample.com", ""),
            // Addresses that are not valid elsewhere, but have a domain.
            ("a..b@example.com", "example.com"),
            ("alice <.b.@example.com>", "example.com"),
            ("Doe, Alice <alice@example.com>", "example.com"),
            ("Alice alice@example.com", "example.com"),
            ("bob@evil.example: alice@example.com;", ""),
            // Addresses that readers might take for others.
            ("ceo@example.com\u{ff0f}, bob@evil.example", ""),
            ("ceo@example.com/, bob@evil.example", ""),
            ("ceo@[192.0.2.1], bob@evil.example", ""),
            ("ceo@example.com x", "example.com"),
            ("<ceo@example.com x>", "example.com"),
            ("<ceo@example.com@evil.example>", ""),
            ("ceo@example.com@evil.example", ""),
            (
                "<ceo@example.com, bob@evil.example>",
                "example.com evil.example",
            ),
            ("<ceo@example.com:bob@evil.example>", ""),
            (
                "<bob@evil.example> ceo@example.com",
                "evil.example example.com",
            ),
            ("bob@evil.example (<ceo@example.com>", "example.com"),
            ("\"bob@evil.example, <ceo@example.com>", ""),
            (
                "<bob@evil.example <ceo@example.com>",
                "evil.example example.com",
            ),
            ("bob@evil.example, root", ""),
            (
                "<ceo@example.com>: bob@evil.example;",
                "example.com evil.example",
            ),
            ("ceo@example.com(x)evil.example", "example.com"),
            ("ceo@exam\0ple.com, bob@evil.example", ""),
        ] {
            let section = format!("Subject: x\r\nFrom: {value}\r\n");
            let found = author_domains(section.as_bytes()).join(" ");
            assert_eq!(found, expected, "{value:?}");
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

    /// The test takes minutes if each domain is compared with all others.
    #[test]
    fn there_may_be_as_many_as_a_header_section_has_room_for() {
        let all: String = (0..40_000).map(|it| format!("a@{it:x}.x,")).collect();
        let section = format!("From: {all}\r\n");
        assert_eq!(author_domains(section.as_bytes()).len(), 40_000);
    }
}
