//! Reads the sets of a chain from their fields: RFC 8617 sections 3.9 and 4.

use aws_lc_rs::digest::{Context, Digest, SHA256};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::SETS_MAX;
use crate::{
    dkim::{
        Algorithm, Canonicalization, Field, Received, Tags, algorithm, fields, key_name,
        without_signature, without_space,
    },
    domain::{ascii_domain, is_name},
};

/// The set that one agent added.
#[derive(Debug)]
pub(super) struct Set<'a> {
    results: Field<'a>,
    /// The signature of the message. It matters in the last set only.
    pub(super) message: Field<'a>,
    seal_field: Field<'a>,
    pub(super) seal: Seal,
}

/// An `ARC-Seal`.
#[derive(Debug)]
pub(super) struct Seal {
    pub(super) algorithm: Algorithm,
    pub(super) domain: String,
    /// The DNS name of its key.
    pub(super) key_name: String,
    pub(super) signature: Vec<u8>,
}

/// The fields of one set, while they are collected.
#[derive(Default)]
struct Found<'a> {
    results: Option<Field<'a>>,
    message: Option<Field<'a>>,
    seal: Option<Field<'a>>,
}

/// The sets of a header section, the oldest first; empty where there is no chain.
///
/// # Errors
///
/// Why the fields are not a valid chain.
pub(super) fn sets(section: &[u8]) -> Result<Vec<Set<'_>>, &'static str> {
    let mut found: Vec<Found<'_>> = Vec::new();
    for field in fields(section) {
        let kinds = [
            "ARC-Authentication-Results",
            "ARC-Message-Signature",
            "ARC-Seal",
        ];
        let Some(kind) = kinds.iter().position(|name| field.is(name)) else {
            continue;
        };
        let number = match kind {
            0 => instance_of_results(&field),
            _ => instance_of_tags(&field),
        };
        let instance = number.and_then(instance).ok_or("a field is of no set")?;
        if found.len() < instance {
            found.resize_with(instance, Found::default);
        }
        let set = &mut found[instance - 1];
        let place = match kind {
            0 => &mut set.results,
            1 => &mut set.message,
            _ => &mut set.seal,
        };
        if place.replace(field).is_some() {
            return Err("a set has a field twice");
        }
    }
    let sets = found.into_iter().enumerate();
    sets.map(|(index, found)| Set::new(found, index == 0))
        .collect()
}

/// The tag `i` of the results, which stands before everything else.
fn instance_of_results<'a>(field: &Field<'a>) -> Option<&'a str> {
    let value = field.value();
    // The rest may be in any charset.
    let first = &value[..memchr::memchr(b';', value)?];
    let (name, number) = str::from_utf8(first).ok()?.split_once('=')?;
    (name.trim_ascii() == "i").then(|| number.trim_ascii())
}

fn instance_of_tags<'a>(field: &Field<'a>) -> Option<&'a str> {
    let text = str::from_utf8(field.value()).ok()?;
    Tags::parse(text)?.get("i")
}

/// The number of a set.
fn instance(text: &str) -> Option<usize> {
    let is_number = text.len() <= 2 && text.bytes().all(|octet| octet.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_number)?;
    (1..=SETS_MAX).contains(&number).then_some(number)
}

impl<'a> Set<'a> {
    fn new(found: Found<'a>, is_first: bool) -> Result<Self, &'static str> {
        let (Some(results), Some(message), Some(seal_field)) =
            (found.results, found.message, found.seal)
        else {
            return Err("a set lacks a field");
        };
        Ok(Self {
            results,
            message,
            seal_field,
            seal: Seal::parse(&seal_field, is_first)?,
        })
    }

    /// Reads the message signature.
    ///
    /// # Errors
    ///
    /// Why it cannot be verified.
    pub(super) fn signature(&self) -> Result<Received, &'static str> {
        let text = str::from_utf8(self.message.value()).map_err(|_| "a field is not UTF-8")?;
        let tags = Tags::parse(text).ok_or("a field is no list of tags")?;
        let signature = Received::of_tags(&tags).map_err(|wrong| wrong.0)?;
        if signature.signs("ARC-Seal") {
            return Err("a signature is of seals");
        }
        // With a limited length, a later agent could append text that nobody has signed.
        if signature.length.is_some() {
            return Err("a signature is of a part of the body");
        }
        Ok(signature)
    }
}

/// The SHA-256 digest that each seal of a chain signs: all sets before it, and its own set without the seal's signature
/// (section 5.1.1).
///
/// The octets are hashed once, however many seals there are.
pub(super) fn sealed(sets: &[Set<'_>]) -> Vec<Digest> {
    let relaxed = Canonicalization::Relaxed;
    let mut before = Context::new(&SHA256);
    let mut octets = Vec::new();
    let sealed = sets.iter().map(|set| {
        octets.clear();
        for field in [&set.results, &set.message] {
            relaxed.add_field(field, &mut octets);
            octets.extend_from_slice(b"\r\n");
        }
        before.update(&octets);
        let mut all = before.clone();
        let own = without_signature(set.seal_field.octets);
        octets.clear();
        if let Some(own) = Field::new(&own) {
            relaxed.add_field(&own, &mut octets);
        }
        all.update(&octets);
        octets.clear();
        relaxed.add_field(&set.seal_field, &mut octets);
        octets.extend_from_slice(b"\r\n");
        before.update(&octets);
        all.finish()
    });
    sealed.collect()
}

impl Seal {
    fn parse(field: &Field<'_>, is_first: bool) -> Result<Self, &'static str> {
        let text = str::from_utf8(field.value()).map_err(|_| "a field is not UTF-8")?;
        let tags = Tags::parse(text).ok_or("a field is no list of tags")?;
        let required = |name: &str| tags.get(name).ok_or("a tag is missing");
        // A seal always covers these fields; a list of names is not permitted: section 4.1.3.
        if tags.get("h").is_some() {
            return Err("a seal names fields");
        }
        // The result of the chain before this set: section 5.2, step 3.
        let validation = required("cv")?;
        let is = |state: &str| validation.eq_ignore_ascii_case(state);
        if !["none", "pass", "fail"].into_iter().any(is) {
            return Err("unknown state of a chain");
        }
        if !is(if is_first { "none" } else { "pass" }) {
            return Err("the chain was broken before");
        }
        let domain = |name| ascii_domain(required(name)?).ok_or("the domain is none");
        let (domain, selector) = (domain("d")?, domain("s")?);
        let key_name = key_name(&selector, &domain);
        if !is_name(&key_name) {
            return Err("the domain is none");
        }
        let signature = STANDARD.decode(without_space(required("b")?));
        Ok(Self {
            algorithm: algorithm(required("a")?).map_err(|wrong| wrong.0)?,
            signature: signature.map_err(|_| "a tag is not base64")?,
            key_name,
            domain,
        })
    }
}
