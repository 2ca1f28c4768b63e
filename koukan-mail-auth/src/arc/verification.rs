//! Verifies a chain: RFC 8617 section 5.2.

use std::{fmt, time::Duration};

use koukan_core::network::Resolver;
use tokio::time::timeout;

use super::{
    keys::{Judged, Keys},
    set::{Set, sealed, sets},
};
use crate::dkim::{BodyDigest, BodyHasher, ByName, Received, Section, has_one_author};

/// The largest number of sets in a chain: section 4.2.1.
pub const SETS_MAX: usize = 50;

/// The result for a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArcResult {
    /// There is no chain.
    None,
    /// The chain is valid.
    Pass,
    /// The chain is not valid.
    Fail,
    /// The DNS does not answer, so nothing is known for now.
    TempError,
}

/// The outcome of verifying a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArcVerified {
    /// Whether it holds.
    pub result: ArcResult,
    /// Why it is not valid.
    pub reason: &'static str,
    /// The domains that sealed the chain, the oldest first, in lower case and as A-labels; empty where there is no
    /// well-formed chain. Unless the result is [`ArcResult::Pass`], they are only a claim.
    pub domains: Vec<String>,
}

/// Reads a message as it passes, to verify its chain.
///
/// *Shape*: the body is hashed as the last message signature demands. Only the header section is held in memory.
#[derive(Default)]
pub struct ArcVerifying {
    section: Section,
    /// Whether the header section was read.
    has_begun: bool,
    hasher: Option<BodyHasher>,
}

/// Shows nothing of the message.
impl fmt::Debug for ArcVerifying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArcVerifying").finish_non_exhaustive()
    }
}

/// A message that was read to its end.
pub struct ArcPassed {
    section: Section,
    digest: Option<BodyDigest>,
}

/// Shows nothing of the message.
impl fmt::Debug for ArcPassed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArcPassed").finish_non_exhaustive()
    }
}

impl ArcResult {
    /// All results.
    pub const ALL: [Self; 4] = [Self::None, Self::Pass, Self::Fail, Self::TempError];

    /// Its name by RFC 8617 section 4.4. A failed look-up has the name that signatures use
    /// (`temperror`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::TempError => "temperror",
        }
    }
}

impl ArcVerifying {
    /// Takes the next octets of the message, cut anywhere.
    pub fn update(&mut self, octets: &[u8]) {
        let body = self.section.take(octets);
        if !self.has_begun && self.section.is_complete() {
            self.begin();
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(body);
        }
    }

    fn begin(&mut self) {
        self.has_begun = true;
        let sets = sets_of(&self.section).unwrap_or_default();
        let signature = sets.last().and_then(|last| last.signature().ok());
        self.hasher = signature.map(|signature| BodyHasher::new(signature.body));
    }

    /// Ends the message.
    pub fn finish(mut self) -> ArcPassed {
        if !self.has_begun {
            self.begin();
        }
        ArcPassed {
            section: self.section,
            digest: self.hasher.map(BodyHasher::finish),
        }
    }
}

fn sets_of(section: &Section) -> Result<Vec<Set<'_>>, &'static str> {
    sets(section.octets().ok_or("the header section is too long")?)
}

fn fail(reason: &'static str) -> Judged {
    (ArcResult::Fail, reason)
}

impl ArcPassed {
    /// Verifies the chain at the time `now`, in seconds since 1970. Waits for the DNS for at most `time`.
    ///
    /// The keys of the last set are asked for first. If the message matches that set, the keys of all other sets are
    /// asked for at the same time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn verify(&self, resolver: &dyn Resolver, now: u64, time: Duration) -> ArcVerified {
        let sets = match sets_of(&self.section) {
            Ok(sets) if sets.is_empty() => return ArcVerified::no_chain(ArcResult::None, ""),
            Ok(sets) => sets,
            Err(reason) => return ArcVerified::no_chain(ArcResult::Fail, reason),
        };
        let judged = timeout(time, self.judge(&sets, resolver, now)).await;
        let late = Err((ArcResult::TempError, "a key cannot be looked up"));
        let (result, reason) = match judged.unwrap_or(late) {
            Ok(()) => (ArcResult::Pass, ""),
            Err(judged) => judged,
        };
        let domains = sets.into_iter().map(|set| set.seal.domain);
        ArcVerified {
            result,
            reason,
            domains: domains.collect(),
        }
    }

    /// Verifies the chain. An error ends the verification early.
    async fn judge(
        &self,
        sets: &[Set<'_>],
        resolver: &dyn Resolver,
        now: u64,
    ) -> Result<(), Judged> {
        let last = sets.last().ok_or(fail("there is no set"))?;
        let signature = last.signature().map_err(fail)?;
        self.check(&signature, now)?;
        let mut keys = Keys::default();
        let of_message = (signature.key_name(), signature.algorithm);
        let of_seal = |set: &Set<'_>| (set.seal.key_name.clone(), set.seal.algorithm);
        keys.ask([of_message.clone(), of_seal(last)], resolver)
            .await;
        let key = keys.get(&of_message.0, of_message.1)?;
        if !key.verifies(&self.signed(&signature, last), &signature.signature) {
            return Err(fail("the message was changed after it was signed"));
        }
        let sealed = sealed(sets);
        let holds = |keys: &Keys, set: &Set<'_>, of| {
            let key = keys.get(&set.seal.key_name, set.seal.algorithm)?;
            let holds = key.verifies_digest(of, &set.seal.signature);
            holds
                .then_some(())
                .ok_or(fail("a seal is of another chain"))
        };
        let mut each = sets.iter().zip(&sealed).rev();
        if let Some((last, of)) = each.next() {
            holds(&keys, last, of)?;
        }
        keys.ask(sets.iter().map(of_seal), resolver).await;
        each.try_for_each(|(set, of)| holds(&keys, set, of))
    }

    /// The checks that need no key.
    fn check(&self, signature: &Received, now: u64) -> Result<(), Judged> {
        signature.check_time(now).map_err(fail)?;
        let hash = self.digest.map(|digest| digest.sha256);
        if hash.as_ref().map(<[u8; 32]>::as_slice) != Some(&*signature.body_hash) {
            return Err(fail("the body is another"));
        }
        // The signature may cover a `From` field that readers do not see: RFC 6376 section 8.15.
        if !has_one_author(self.section.octets().unwrap_or_default()) {
            return Err(fail("the message does not have one From field"));
        }
        Ok(())
    }

    /// The octets that the message signature covers.
    fn signed(&self, signature: &Received, set: &Set<'_>) -> Vec<u8> {
        let fields = ByName::of(self.section.octets().unwrap_or_default());
        signature.signed(&set.message, &fields)
    }
}

impl ArcVerified {
    fn no_chain(result: ArcResult, reason: &'static str) -> Self {
        Self {
            result,
            reason,
            domains: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
