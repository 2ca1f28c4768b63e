//! Verifies signatures: RFC 6376 section 6.

use std::{fmt, time::Duration};

use bytes::Bytes;
use futures_util::future::join_all;
use koukan_core::{
    message::header_section::HeaderSection,
    network::{LookupError, Resolver},
};
use tokio::time::timeout;

use super::{
    Algorithm, BodyDigest, BodyHasher, Canonicalization, Section,
    fields::{ByName, Field, fields},
    public_key::{PublicKey, Unusable},
    received::{Received, Wrong},
};
use crate::domain::is_name;

/// How many signatures of a message are verified at most, from the top.
pub const SIGNATURES_MAX: usize = 8;

/// The result for a signature: RFC 8601 section 2.7.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DkimResult {
    /// There is no signature.
    None,
    /// The signature is good.
    Pass,
    /// The signature is good, but not relied on: it covers only a part of the body, its domain is in test
    /// mode, or the message has several From fields.
    Policy,
    /// The signature is malformed, has expired, or claims to be made in the future.
    Neutral,
    /// The message or the key is another than at signing.
    Fail,
    /// It cannot be verified for now.
    TempError,
    /// It cannot be verified: the key does not exist.
    PermError,
}

/// The message has no From field, or several.
const SEVERAL_AUTHORS: (DkimResult, &str) = (
    DkimResult::Policy,
    "the message does not have one From field",
);

/// The DNS gave no answer for the key.
const NO_ANSWER: (DkimResult, &str) = (DkimResult::TempError, "the key cannot be looked up");

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Its result.
    pub result: DkimResult,
    /// The reason, where it did not pass.
    pub reason: &'static str,
    /// The signing domain, in lower case; empty where there is none.
    pub domain: String,
    /// The selector of the key.
    pub selector: String,
    /// Its algorithm.
    pub algorithm: Option<Algorithm>,
    /// The first characters of the signature in base64. They tell signatures of one domain apart.
    pub beginning: String,
}

/// Reads a message as it passes, to verify its signatures.
///
/// *Shape*: the signatures in the header section, which comes first, say how the body is hashed.
#[derive(Default)]
pub struct Verifying {
    section: Section,
    hashers: Vec<Hashing>,
    /// Whether the signatures in the header section were read.
    has_begun: bool,
    signatures: Vec<Found>,
}

/// Shows nothing of the message.
impl fmt::Debug for Verifying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifying").finish_non_exhaustive()
    }
}

struct Found {
    octets: Vec<u8>,
    received: Result<Received, Wrong>,
}

/// A hash of the body that one signature or several need.
struct Hashing {
    how: Canonicalization,
    length: Option<u64>,
    hasher: BodyHasher,
}

/// A message that was read to its end.
pub struct Passed {
    section: Section,
    digests: Vec<(Canonicalization, Option<u64>, BodyDigest)>,
    signatures: Vec<Found>,
}

/// Shows nothing of the message.
impl fmt::Debug for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passed").finish_non_exhaustive()
    }
}

impl DkimResult {
    /// All results.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Pass,
        Self::Policy,
        Self::Neutral,
        Self::Fail,
        Self::TempError,
        Self::PermError,
    ];

    /// Its name in RFC 8601.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Policy => "policy",
            Self::Neutral => "neutral",
            Self::Fail => "fail",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

impl Verifying {
    /// Takes the next octets of the message, cut anywhere.
    pub fn update(&mut self, octets: &[u8]) {
        let body = self.section.take(octets);
        if !self.has_begun && self.section.is_complete() {
            self.begin();
        }
        for hashing in &mut self.hashers {
            hashing.hasher.update(body);
        }
    }

    fn begin(&mut self) {
        self.has_begun = true;
        let section = self.section.octets().unwrap_or_default();
        let found = fields(section).filter(|field| field.is("DKIM-Signature"));
        for field in found.take(SIGNATURES_MAX) {
            let received = Received::parse(&field);
            if let Ok(received) = &received {
                let (how, length) = (received.body, received.length);
                let mut known = self.hashers.iter();
                if !known.any(|it| (it.how, it.length) == (how, length)) {
                    let hasher = BodyHasher::new(how).with_limit(length.unwrap_or(u64::MAX));
                    self.hashers.push(Hashing {
                        how,
                        length,
                        hasher,
                    });
                }
            }
            self.signatures.push(Found {
                octets: field.octets.to_vec(),
                received,
            });
        }
    }

    /// Ends the message.
    pub fn finish(mut self) -> Passed {
        if !self.has_begun {
            self.begin();
        }
        let digests = self.hashers.into_iter();
        let digests = digests.map(|it| (it.how, it.length, it.hasher.finish()));
        Passed {
            section: self.section,
            digests: digests.collect(),
            signatures: self.signatures,
        }
    }
}

impl Passed {
    /// The header section; `None` where it is too long.
    pub fn section(&self) -> Option<&[u8]> {
        self.section.octets()
    }

    /// Verifies all signatures at the time `now`, in seconds since 1970. Waits for the DNS for at most `time`.
    ///
    /// All keys are asked for at the same time. A key that does not arrive affects only its own signatures.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn verify(&self, resolver: &dyn Resolver, now: u64, time: Duration) -> Vec<Verified> {
        let section = self.section.octets().unwrap_or_default();
        let fields = ByName::of(section);
        let has_one_author = has_one_author(section);
        let all = self.signatures.iter().map(async |found| {
            let received = match &found.received {
                Ok(received) => received,
                Err(Wrong(reason)) => return Verified::wrong(reason),
            };
            let judged = self.judge(found, received, &fields, resolver, now);
            let judged = timeout(time, judged).await.unwrap_or(Err(NO_ANSWER));
            let (result, reason) = match judged {
                // The signature may cover a From field that readers do not see: RFC 6376 section
                // 8.15.
                Ok((DkimResult::Pass, _)) if !has_one_author => SEVERAL_AUTHORS,
                Ok(judged) | Err(judged) => judged,
            };
            Verified::new(result, reason, received)
        });
        join_all(all).await
    }

    /// Verifies one signature. An error ends the verification early.
    async fn judge(
        &self,
        found: &Found,
        received: &Received,
        fields: &ByName<'_>,
        resolver: &dyn Resolver,
        now: u64,
    ) -> Result<(DkimResult, &'static str), (DkimResult, &'static str)> {
        let of_time = received.check_time(now);
        of_time.map_err(|reason| (DkimResult::Neutral, reason))?;
        let wanted = (received.body, received.length);
        let mut digests = self.digests.iter();
        let digest = digests.find(|(how, length, _)| (*how, *length) == wanted);
        let digest = digest.map(|(.., digest)| digest);
        if digest.is_none_or(|digest| *digest.sha256.as_slice() != *received.body_hash) {
            return Err((DkimResult::Fail, "the body is another"));
        }
        let whole = digest.map_or(0, |digest| digest.length);
        if received.length.is_some_and(|length| length > whole) {
            return Err((DkimResult::Fail, "the body is shorter"));
        }
        let key = key_of(received, resolver).await?;
        let is_own = |of: &String| *of == received.domain;
        if key.is_strict && !received.identity.as_ref().is_none_or(is_own) {
            return Err((DkimResult::PermError, "the key is not for that identity"));
        }
        let own = Field::new(&found.octets).ok_or((DkimResult::Neutral, "the field is none"))?;
        if !key.verifies(&received.signed(&own, fields), &received.signature) {
            return Err((DkimResult::Fail, "the header is another, or the key"));
        }
        Ok(match received.length {
            Some(length) if length < whole => (
                DkimResult::Policy,
                "only the beginning of the body is signed",
            ),
            _ if key.is_testing => (DkimResult::Policy, "the domain is trying it out"),
            _ => (DkimResult::Pass, ""),
        })
    }
}

/// Whether there is exactly one From field, by every way in which readers end lines.
pub(crate) fn has_one_author(section: &[u8]) -> bool {
    let header = HeaderSection::parse(Bytes::copy_from_slice(section));
    header.all("From").count() == 1
}

async fn key_of(
    received: &Received,
    resolver: &dyn Resolver,
) -> Result<PublicKey, (DkimResult, &'static str)> {
    key_at(&received.key_name(), received.algorithm, resolver).await
}

/// The key of this name in the DNS, or why there is none.
pub(crate) async fn key_at(
    name: &str,
    algorithm: Algorithm,
    resolver: &dyn Resolver,
) -> Result<PublicKey, (DkimResult, &'static str)> {
    let no_key = (DkimResult::PermError, "there is no such key");
    if !is_name(name) {
        return Err(no_key);
    }
    let records = match resolver.txt(name).await {
        Ok(answer) => answer.records,
        Err(LookupError::NoSuchName) => return Err(no_key),
        Err(_) => return Err(NO_ANSWER),
    };
    let mut judged = no_key;
    for record in records {
        match PublicKey::parse(&record, algorithm) {
            Ok(key) => return Ok(key),
            Err(Unusable::Revoked) => judged = (DkimResult::PermError, "the key was revoked"),
            Err(Unusable::Malformed) if judged == no_key => {
                judged = (DkimResult::PermError, "the key makes no sense");
            }
            Err(Unusable::Malformed) => {}
        }
    }
    Err(judged)
}

impl Verified {
    fn wrong(reason: &'static str) -> Self {
        Self {
            result: DkimResult::Neutral,
            reason,
            domain: String::new(),
            selector: String::new(),
            algorithm: None,
            beginning: String::new(),
        }
    }

    fn new(result: DkimResult, reason: &'static str, received: &Received) -> Self {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let octets = received.signature.get(..6).unwrap_or_default();
        Self {
            result,
            reason,
            domain: received.domain.clone(),
            selector: received.selector.clone(),
            algorithm: Some(received.algorithm),
            beginning: STANDARD.encode(octets),
        }
    }
}

#[cfg(test)]
mod tests;
