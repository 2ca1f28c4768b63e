//! SPF records: RFC 7208 sections 4.6.1 and 5 to 7.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{
    macros::{is_domain_spec, is_macro_string},
    result::SpfResult,
};

/// The record of a domain.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) directives: Vec<Directive>,
    pub(super) redirect: Option<String>,
    pub(super) explanation: Option<String>,
}

/// A mechanism, and the result for hosts that match it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Directive {
    pub(super) result: SpfResult,
    pub(super) mechanism: Mechanism,
}

/// A mechanism that matches hosts. Macros in its domain are not expanded yet; without a domain, the
/// record's own is meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    All,
    Include(String),
    A(Option<String>, Prefixes),
    Mx(Option<String>, Prefixes),
    Ptr(Option<String>),
    Ip4(Ipv4Addr, u8),
    Ip6(Ipv6Addr, u8),
    Exists(String),
}

/// How many bits of an address are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefixes {
    pub(super) ip4: u8,
    pub(super) ip6: u8,
}

/// The record is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// Whether a text is an SPF record, well-formed or not.
pub(super) fn is_record(text: &[u8]) -> bool {
    let version = text.get(..6);
    version.is_some_and(|version| version.eq_ignore_ascii_case(b"v=spf1"))
        && text.get(6).is_none_or(|next| *next == b' ')
}

impl Record {
    pub(super) fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let text = str::from_utf8(text).map_err(|_| Malformed)?;
        let mut record = Self::default();
        for term in text.split(' ').skip(1).filter(|term| !term.is_empty()) {
            record.add(term)?;
        }
        Ok(record)
    }

    fn add(&mut self, term: &str) -> Result<(), Malformed> {
        let end = term.find([':', '/', '=']).unwrap_or(term.len());
        if let Some(value) = term[end..].strip_prefix('=') {
            return self.modifier(&term[..end], value);
        }
        let (result, name) = match term.as_bytes().first() {
            Some(b'+') => (SpfResult::Pass, &term[1..end]),
            Some(b'-') => (SpfResult::Fail, &term[1..end]),
            Some(b'~') => (SpfResult::SoftFail, &term[1..end]),
            Some(b'?') => (SpfResult::Neutral, &term[1..end]),
            _ => (SpfResult::Pass, &term[..end]),
        };
        let mechanism = mechanism(&name.to_ascii_lowercase(), &term[end..])?;
        self.directives.push(Directive { result, mechanism });
        Ok(())
    }

    fn modifier(&mut self, name: &str, value: &str) -> Result<(), Malformed> {
        let mut octets = name.bytes();
        let is_name = octets
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic())
            && octets.all(|octet| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet));
        let place = match &*name.to_ascii_lowercase() {
            "redirect" => &mut self.redirect,
            "exp" => &mut self.explanation,
            _ if is_name && is_macro_string(value) => return Ok(()),
            _ => return Err(Malformed),
        };
        match place.is_some() || !is_domain_spec(value) {
            true => Err(Malformed),
            false => {
                *place = Some(value.to_owned());
                Ok(())
            }
        }
    }
}

/// The mechanism `name` with its arguments.
fn mechanism(name: &str, rest: &str) -> Result<Mechanism, Malformed> {
    let value = rest.strip_prefix(':');
    Ok(match name {
        "all" if rest.is_empty() => Mechanism::All,
        "include" => Mechanism::Include(domain(value.ok_or(Malformed)?)?),
        "exists" => Mechanism::Exists(domain(value.ok_or(Malformed)?)?),
        "ptr" if rest.is_empty() => Mechanism::Ptr(None),
        "ptr" => Mechanism::Ptr(Some(domain(value.ok_or(Malformed)?)?)),
        "a" | "mx" => {
            let (rest, prefixes) = prefixes(rest)?;
            let target = match rest.strip_prefix(':') {
                Some(value) => Some(domain(value)?),
                None if rest.is_empty() => None,
                None => return Err(Malformed),
            };
            match name {
                "a" => Mechanism::A(target, prefixes),
                _ => Mechanism::Mx(target, prefixes),
            }
        }
        "ip4" => {
            let (address, bits) = network(value.ok_or(Malformed)?, 32)?;
            Mechanism::Ip4(address.parse().map_err(|_| Malformed)?, bits)
        }
        "ip6" => {
            let (address, bits) = network(value.ok_or(Malformed)?, 128)?;
            Mechanism::Ip6(address.parse().map_err(|_| Malformed)?, bits)
        }
        _ => return Err(Malformed),
    })
}

fn domain(value: &str) -> Result<String, Malformed> {
    match is_domain_spec(value) {
        true => Ok(value.to_owned()),
        false => Err(Malformed),
    }
}

fn network(value: &str, max: u8) -> Result<(&str, u8), Malformed> {
    match value.split_once('/') {
        Some((address, bits)) => Ok((address, number(bits, max)?)),
        None => Ok((value, max)),
    }
}

/// The prefix lengths at the end, and the text before them.
fn prefixes(text: &str) -> Result<(&str, Prefixes), Malformed> {
    let is_number =
        |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    let (mut rest, mut found) = (text, Prefixes { ip4: 32, ip6: 128 });
    if let Some((before, bits)) = rest.rsplit_once("//").filter(|(_, bits)| is_number(bits)) {
        (rest, found.ip6) = (before, number(bits, 128)?);
    }
    if let Some((before, bits)) = rest.rsplit_once('/').filter(|(_, bits)| is_number(bits)) {
        (rest, found.ip4) = (before, number(bits, 32)?);
    }
    Ok((rest, found))
}

fn number(text: &str, max: u8) -> Result<u8, Malformed> {
    let is_plain = text.bytes().all(|octet| octet.is_ascii_digit());
    let has_zero = text.len() > 1 && text.starts_with('0');
    let number = text.parse().ok().filter(|number| *number <= max);
    number.filter(|_| is_plain && !has_zero).ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_or_make_no_sense() {
        let is_read = |term: &str| Record::parse(format!("v=spf1 {term}").as_bytes()).is_ok();
        for term in [
            "",
            "  ",
            "-all",
            "ALL",
            "a",
            "a/24",
            "a//64",
            "a/24//64",
            "a:x.example/0",
            "mx:x.example//0",
            "ip4:192.0.2.0/24",
            "ip6:2001:db8::/32",
            "ip6:::1",
            "exists:%{i}.x.example",
            "ptr",
            "ptr:x.example",
            "include:x.example",
            "redirect=x.example",
            "exp=x.example",
            "foo=",
            "foo=%{d}",
            "foo.-_1=x:/y",
            "a:%{d}/24",
            "a:x.example.",
            "a:%{d1r/}/24",
        ] {
            assert!(is_read(term), "{term}");
        }
        for term in [
            "all:x.example",
            "all/8",
            "foo",
            "include",
            "include:",
            "include:x.example/24",
            "a:",
            "a:x",
            "a:1.2.3.4",
            "a/",
            "a/33",
            "a/024",
            "a//129",
            "a:x.example/",
            "ip4",
            "ip4:1.2.3",
            "ip4:1.2.3.4/33",
            "ip4:1.2.3.4/",
            "ip4:1.2.3.4//32",
            "ip6:1.2.3.4",
            "ip6:::1/129",
            "exists",
            "exists:",
            "ptr:",
            "redirect=",
            "exp=",
            "redirect=x.example redirect=x.example",
            "foo=%x",
            "1=x",
            "-foo=x",
            "a:%{x}.example",
            "a:%{d0}",
            "a:%{c}.example",
            "a:x.example-",
            "a:%%",
            "--all",
            "\u{e4}",
        ] {
            assert!(!is_read(term), "{term}");
        }
    }

    #[test]
    fn which_texts_are_records() {
        for (text, is_one) in [
            ("v=spf1", true),
            ("V=SPF1 -all", true),
            ("v=spf1  ", true),
            ("v=spf10", false),
            ("v=spf1\t-all", false),
            (" v=spf1", false),
            ("", false),
        ] {
            assert_eq!(is_record(text.as_bytes()), is_one, "{text:?}");
        }
    }
}
