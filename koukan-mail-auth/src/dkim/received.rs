//! Received `DKIM-Signature` fields: RFC 6376 sections 3.5 and 6.1.1.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    Algorithm, Canonicalization,
    fields::{ByName, Field},
    tags::{Tags, without_space},
};
use crate::domain::{ascii_domain, is_within};

/// How many seconds the signer's clock may be ahead of ours.
const AHEAD_MAX: u64 = 300;

/// A signature, as its field has it.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) algorithm: Algorithm,
    pub(crate) domain: String,
    pub(crate) selector: String,
    /// The domain of the identity (`i=`).
    pub(super) identity: Option<String>,
    pub(super) header: Canonicalization,
    pub(crate) body: Canonicalization,
    pub(crate) body_hash: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    /// The names of the signed fields, separated by colons.
    fields: Box<str>,
    /// How many octets of the canonical body are signed, where that is limited.
    pub(crate) length: Option<u64>,
    /// The time of signing, in seconds since 1970.
    signed_at: Option<u64>,
    /// The time of expiry, in seconds since 1970.
    expires: Option<u64>,
}

/// What is wrong with a signature field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wrong(pub(crate) &'static str);

impl Received {
    pub(super) fn parse(field: &Field<'_>) -> Result<Self, Wrong> {
        let text = str::from_utf8(field.value()).map_err(|_| Wrong("the field is not UTF-8"))?;
        let tags = Tags::parse(text).ok_or(Wrong("the field is no list of tags"))?;
        let required = |name: &str| tags.get(name).ok_or(Wrong("a tag is missing"));
        if required("v")? != "1" {
            return Err(Wrong("unknown version"));
        }
        let mut received = Self::of_tags(&tags)?;
        if let Some(identity) = tags.get("i") {
            let (_, of) = identity
                .rsplit_once('@')
                .ok_or(Wrong("the identity is none"))?;
            let of = ascii_domain(of).ok_or(Wrong("the identity is none"))?;
            if !is_within(&of, &received.domain) {
                return Err(Wrong("the identity is not of the domain"));
            }
            received.identity = Some(of);
        }
        Ok(received)
    }

    /// Reads the tags that DKIM and ARC signatures have in common: all but version and identity.
    pub(crate) fn of_tags(tags: &Tags<'_>) -> Result<Self, Wrong> {
        let required = |name: &str| tags.get(name).ok_or(Wrong("a tag is missing"));
        let algorithm = algorithm(required("a")?)?;
        let (header, body) = canonicalization(tags.get("c").unwrap_or("simple/simple"))?;
        let domain = required("d")?;
        let domain = ascii_domain(domain).ok_or(Wrong("the domain is none"))?;
        let fields = required("h")?;
        if !names(fields).any(|name| name.eq_ignore_ascii_case("From")) {
            return Err(Wrong("the From field is not signed"));
        }
        let query = tags.get("q").unwrap_or("dns/txt");
        if !query.split(':').any(|method| method.trim() == "dns/txt") {
            return Err(Wrong("the key is not in the DNS"));
        }
        let number = |name: &str| match tags.get(name) {
            None => Ok(None),
            Some(text) if text.bytes().all(|octet| octet.is_ascii_digit()) => text
                .parse()
                .map(Some)
                .map_err(|_| Wrong("a number is none")),
            Some(_) => Err(Wrong("a number is none")),
        };
        let (signed_at, expires) = (number("t")?, number("x")?);
        if expires.is_some_and(|expires| signed_at.is_some_and(|at: u64| expires <= at)) {
            return Err(Wrong("it expires before it was made"));
        }
        let octets = |name| {
            let decoded = STANDARD.decode(without_space(required(name)?));
            decoded.map_err(|_| Wrong("a tag is not base64"))
        };
        Ok(Self {
            algorithm,
            selector: ascii_domain(required("s")?).ok_or(Wrong("the selector is none"))?,
            identity: None,
            header,
            body,
            body_hash: octets("bh")?,
            signature: octets("b")?,
            fields: fields.into(),
            length: number("l")?,
            signed_at,
            expires,
            domain,
        })
    }

    /// Whether it covers fields of this name.
    pub(crate) fn signs(&self, name: &str) -> bool {
        names(&self.fields).any(|signed| signed.eq_ignore_ascii_case(name))
    }

    /// Checks that the signature is valid at the time `now`, in seconds since 1970.
    ///
    /// # Errors
    ///
    /// Why it is not.
    pub(crate) fn check_time(&self, now: u64) -> Result<(), &'static str> {
        if self.expires.is_some_and(|expires| expires <= now) {
            return Err("it has expired");
        }
        let soon = now.saturating_add(AHEAD_MAX);
        match self.signed_at.is_some_and(|made| made > soon) {
            true => Err("it was made in the future"),
            false => Ok(()),
        }
    }

    /// The DNS name of its key.
    pub(crate) fn key_name(&self) -> String {
        key_name(&self.selector, &self.domain)
    }

    /// The octets that were signed: the fields in order, then this signature's own field without
    /// the value of `b`.
    pub(crate) fn signed(&self, own: &Field<'_>, all: &ByName<'_>) -> Vec<u8> {
        let mut signed = Vec::new();
        for field in all.named(names(&self.fields)) {
            self.header.add_field(field, &mut signed);
            signed.extend_from_slice(b"\r\n");
        }
        let own = without_signature(own.octets);
        if let Some(own) = Field::new(&own) {
            self.header.add_field(&own, &mut signed);
        }
        signed
    }
}

/// The DNS name of a key.
pub(crate) fn key_name(selector: &str, domain: &str) -> String {
    format!("{selector}._domainkey.{domain}")
}

/// The algorithm of this name.
pub(crate) fn algorithm(name: &str) -> Result<Algorithm, Wrong> {
    match name {
        "rsa-sha256" => Ok(Algorithm::Rsa),
        "ed25519-sha256" => Ok(Algorithm::Ed25519),
        // RFC 8301.
        "rsa-sha1" => Err(Wrong("SHA-1 is not believed")),
        _ => Err(Wrong("unknown algorithm")),
    }
}

/// The names of a list that is separated by colons.
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(':')
        .map(|name| name.trim_matches([' ', '\t', '\r', '\n']))
}

/// A field without the value of its tag `b`.
pub(crate) fn without_signature(field: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(field.len());
    let colon = memchr::memchr(b':', field).map_or(0, |colon| colon + 1);
    kept.extend_from_slice(&field[..colon]);
    for (index, tag) in field[colon..].split(|octet| *octet == b';').enumerate() {
        if index > 0 {
            kept.push(b';');
        }
        match memchr::memchr(b'=', tag) {
            Some(equals) if tag[..equals].trim_ascii() == b"b" => {
                kept.extend_from_slice(&tag[..=equals]);
            }
            _ => kept.extend_from_slice(tag),
        }
    }
    kept
}

fn canonicalization(text: &str) -> Result<(Canonicalization, Canonicalization), Wrong> {
    let one = |text: &str| match text {
        "simple" => Ok(Canonicalization::Simple),
        "relaxed" => Ok(Canonicalization::Relaxed),
        _ => Err(Wrong("unknown canonicalization")),
    };
    let (header, body) = text.split_once('/').unwrap_or((text, "simple"));
    Ok((one(header)?, one(body)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed; d=Example.com; s=s;\r\n\th=from : To;\
        \r\n\tbh=AA\r\n\t AA; b = BBBB\r\n\tBBBB ;t=5;x=7;l=3;i=@a.example.com";

    #[test]
    fn fields_are_read_or_wrong() {
        let field = Field::new(GOOD.as_bytes()).unwrap();
        let received = Received::parse(&field).unwrap();
        assert_eq!(received.key_name(), "s._domainkey.example.com");
        assert!(names(&received.fields).eq(["from", "To"]));
        let forms = (received.header, received.body);
        assert_eq!(forms, (Canonicalization::Relaxed, Canonicalization::Simple));
        assert_eq!((received.length, received.expires), (Some(3), Some(7)));
        assert_eq!(received.signed_at, Some(5));
        assert_eq!((received.body_hash.len(), received.signature.len()), (3, 6));
        for (from, to, wrong) in [
            ("v=1", "v=2", "unknown version"),
            ("v=1; ", "", "a tag is missing"),
            ("rsa-sha256", "rsa-sha1", "SHA-1"),
            ("rsa-sha256", "rsa-sha3", "unknown algorithm"),
            ("c=relaxed", "c=nofws", "unknown canonicalization"),
            ("h=from : To", "h=To", "From field is not signed"),
            ("i=@a.example.com", "i=@aexample.com", "not of the domain"),
            ("i=@a.example.com", "i=a.example.com", "identity is none"),
            ("x=7", "x=5", "before it was made"),
            ("l=3", "l=-3", "a number is none"),
            ("b = BBBB", "b = B*BB", "not base64"),
            ("t=5", "t=5;t=5", "no list of tags"),
            ("t=5", "q=https/x", "not in the DNS"),
            ("s=s", "s=a b", "the selector is none"),
            ("s=s", "s=", "the selector is none"),
            (
                "d=Example.com",
                "d=exam\u{ff0f}ple.com",
                "the domain is none",
            ),
        ] {
            let text = GOOD.replacen(from, to, 1);
            let field = Field::new(text.as_bytes()).unwrap();
            let error = Received::parse(&field).unwrap_err();
            assert!(error.0.contains(wrong), "{from} → {to}: {error:?}");
        }
    }

    #[test]
    fn only_the_signature_is_left_out() {
        for (field, left) in [
            (
                "D: a=b=c; b = x\r\n y ; bh=b=; b",
                "D: a=b=c; b =; bh=b=; b",
            ),
            ("D:b=x", "D:b="),
            ("D: bb=x; b=y", "D: bb=x; b="),
        ] {
            assert_eq!(
                without_signature(field.as_bytes()),
                left.as_bytes(),
                "{field}"
            );
        }
    }
}
