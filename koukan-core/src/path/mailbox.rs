//! A mailbox: `local-part@domain`.

use std::{borrow::Cow, fmt, net::IpAddr, str::FromStr, sync::Arc};

use super::{
    domain_key::{domain_key, is_same_domain},
    grammar::{self, InvalidMailbox},
};
use crate::fnv::Fnv1a;

/// An address `local-part@domain` that conforms to the grammar, as it was written. Clones share it.
///
/// *Shape*: no angle brackets, no source route. A quoted local part keeps its quotes, a literal its
/// brackets. Equality is octet by octet; [`Mailbox::is_same`] compares as mail routing does.
///
/// *Source*: RFC 5321 section 4.1.2; UTF-8 by RFC 6531.
///
/// # Example
///
/// ```
/// use koukan_core::path::{Domain, Mailbox};
///
/// let mailbox: Mailbox = "\"a b\"@Example.com".parse()?;
/// assert_eq!(mailbox.local_part(), "\"a b\"");
/// assert_eq!(mailbox.domain(), Domain::Name("Example.com"));
/// # Ok::<(), koukan_core::path::InvalidMailbox>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Mailbox {
    text: Arc<str>,
    at: usize,
}

/// The part of a mailbox after the `@`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain<'a> {
    /// A domain name, in the case it was written in.
    Name(&'a str),
    /// An IPv4 or IPv6 address literal.
    Address(IpAddr),
    /// A literal of another kind, without the brackets.
    General(&'a str),
}

impl Mailbox {
    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The local part as written, with its quotes if it has any.
    pub fn local_part(&self) -> &str {
        &self.text[..self.at]
    }

    /// The local part without quotes and escapes: the actual name of the mailbox.
    pub fn unquoted_local_part(&self) -> Cow<'_, str> {
        let local = self.local_part();
        let Some(inner) = local.strip_prefix('"').and_then(|l| l.strip_suffix('"')) else {
            return local.into();
        };
        let mut name = String::with_capacity(inner.len());
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            name.extend(if c == '\\' { chars.next() } else { Some(c) });
        }
        name.into()
    }

    /// The domain as written, with the brackets of a literal.
    pub fn domain_text(&self) -> &str {
        &self.text[self.at + 1..]
    }

    /// The domain by kind.
    pub fn domain(&self) -> Domain<'_> {
        let text = self.domain_text();
        let Some(inner) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) else {
            return Domain::Name(text);
        };
        let is_ipv6 = inner
            .get(..5)
            .is_some_and(|tag| tag.eq_ignore_ascii_case("IPv6:"));
        let address = if is_ipv6 { &inner[5..] } else { inner };
        match address.parse() {
            Ok(address) => Domain::Address(address),
            Err(_) => Domain::General(inner),
        }
    }

    /// Whether every octet is ASCII; if not, the address needs SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.text.is_ascii()
    }

    /// Whether both name the same mailbox: equal local parts, and spellings of the same domain (as by
    /// [`domain_key`]).
    ///
    /// *Source*: RFC 5321 section 2.4: only its own host may interpret a local part.
    pub fn is_same(&self, other: &Self) -> bool {
        self.unquoted_local_part() == other.unquoted_local_part()
            && is_same_domain(self.domain_text(), other.domain_text())
    }

    /// A number that is equal for all spellings of a mailbox, and rarely equal for two mailboxes.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hash = Fnv1a::new(0);
        hash.add(self.unquoted_local_part().bytes());
        hash.add([b'@']);
        let domain = self.domain_text();
        match domain.is_ascii() {
            // This maps both cases of a letter to the same octet.
            true => hash.add(domain.bytes().map(|octet| octet | 0x20)),
            false => hash.add(domain_key(domain).bytes().map(|octet| octet | 0x20)),
        }
        hash.get()
    }
}

impl FromStr for Mailbox {
    type Err = InvalidMailbox;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let at = grammar::check_mailbox(text)?;
        Ok(Self {
            text: text.into(),
            at,
        })
    }
}

impl<'a> Domain<'a> {
    /// Parses a domain name or a literal in brackets, as in EHLO.
    ///
    /// # Errors
    ///
    /// [`InvalidMailbox`] where the text is neither.
    pub fn check(text: &'a str) -> Result<(), InvalidMailbox> {
        grammar::check_domain(text)
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_grammar_allows_and_keeps_it() {
        for text in [
            "a@b",
            "alice@example.com",
            "a.b+c@x-y.example",
            "\"a b\"@example.com",
            "\"x> SIZE=1\"@example.com",
            "\"a\\\"b@c\"@example.com",
            "\"\"@example.com",
            "a@[127.0.0.1]",
            "a@[IPv6:::1]",
            "a@[tag:content]",
            "用户@例え.jp",
            "o'neil@example.com",
            "a@under_score.example",
        ] {
            assert_eq!(text.parse::<Mailbox>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn a_local_part_may_take_up_all_that_a_path_has() {
        for text in [
            format!("{}@b.example", "a".repeat(65)),
            format!("SRS0={}=example.com=bob@b.example", "x".repeat(200)),
            format!("{}@b", "a".repeat(252)),
            format!("\"{}\"@b", "a ".repeat(125)),
            format!("{}@b", "\u{e4}".repeat(126)),
        ] {
            assert!(text.parse::<Mailbox>().is_ok(), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        use InvalidMailbox::{Domain, DomainTooLong, LocalPart, NoAt, TooLong};
        let long = |n: usize| "a".repeat(n);
        for (text, error) in [
            (String::new(), NoAt),
            ("alice".into(), NoAt),
            ("@example.com".into(), LocalPart),
            (".a@example.com".into(), LocalPart),
            ("a..b@example.com".into(), LocalPart),
            ("a b@example.com".into(), LocalPart),
            ("a\r\n@example.com".into(), LocalPart),
            ("\"a@example.com".into(), LocalPart),
            ("\"a\"b@example.com".into(), LocalPart),
            ("\"a\"".into(), NoAt),
            ("\"a\nb\"@example.com".into(), LocalPart),
            ("a@".into(), Domain),
            ("a@.example.com".into(), Domain),
            ("a@example.com.".into(), Domain),
            ("a@-x.example".into(), Domain),
            ("a@b@c".into(), Domain),
            ("a@[1.2.3]".into(), Domain),
            ("a@[1.2.3.4".into(), Domain),
            ("a@[IPv6:1.2.3.4]".into(), Domain),
            ("a@exa mple.com".into(), Domain),
            (format!("{}@b", long(253)), TooLong),
            (format!("{}@b", "\u{e4}".repeat(127)), TooLong),
            (format!("a@{}", long(64)), DomainTooLong),
            (format!("a@{}", vec![long(60); 5].join(".")), TooLong),
        ] {
            assert_eq!(text.parse::<Mailbox>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn tells_kinds_of_domain_apart() {
        let domain = |text: &str| format!("{:?}", text.parse::<Mailbox>().unwrap().domain());
        assert_eq!(domain("a@b.example"), "Name(\"b.example\")");
        assert_eq!(domain("a@[127.0.0.1]"), "Address(127.0.0.1)");
        assert_eq!(domain("a@[ipv6:::1]"), "Address(::1)");
        assert_eq!(domain("a@[x:y]"), "General(\"x:y\")");
    }

    #[test]
    fn quoting_makes_no_other_mailbox() {
        let same = |a: &str, b: &str| {
            let [a, b] = [a, b].map(|text| text.parse::<Mailbox>().unwrap());
            let is_same = a.is_same(&b);
            assert_eq!(is_same, a.fingerprint() == b.fingerprint());
            is_same
        };
        assert!(same("\"a\"@example.com", "a@EXAMPLE.com"));
        assert!(same("\"a\\b\"@example.com", "ab@example.com"));
        assert!(!same("A@example.com", "a@example.com"));
        assert!(!same("a@example.com", "a@example.org"));
    }
}
