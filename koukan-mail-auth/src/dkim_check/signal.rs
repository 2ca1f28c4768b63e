use koukan_core::signals::DurableSignal;
use serde::{Deserialize, Serialize};

use crate::dkim::{Algorithm, DkimResult, Verified};

/// The longest name of a selector or domain that is kept, in octets.
const NAME_MAX: usize = 253;

/// The results for a message's signatures: the signal `dkim`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Dkim {
    /// The best result of all signatures: `pass`, `policy`, `temperror`, `fail`, `permerror`, `neutral`
    /// or `none`, in this order.
    pub result: String,
    /// Each signature, from the top.
    pub signatures: Vec<Signature>,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Signature {
    /// Its result, by the name in RFC 8601.
    pub result: String,
    /// Why it did not pass.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The signing domain.
    pub domain: String,
    /// The selector of the key.
    pub selector: String,
    /// The algorithm, for example `rsa-sha256`.
    pub algorithm: String,
    /// The first characters of the signature. They tell signatures of one domain apart.
    pub beginning: String,
}

impl DurableSignal for Dkim {
    const NAME: &'static str = "dkim";
}

impl Dkim {
    /// The signal for these results.
    pub(super) fn of(all: &[Verified]) -> Self {
        let order = [
            DkimResult::Pass,
            DkimResult::Policy,
            DkimResult::TempError,
            DkimResult::Fail,
            DkimResult::PermError,
            DkimResult::Neutral,
        ];
        let mut best = order.into_iter();
        let best = best.find(|result| all.iter().any(|it| it.result == *result));
        Self {
            result: best.unwrap_or(DkimResult::None).as_str().to_owned(),
            signatures: all.iter().map(Signature::of).collect(),
        }
    }
}

impl Signature {
    fn of(verified: &Verified) -> Self {
        let kept = |name: &str| name.chars().take(NAME_MAX).collect();
        Self {
            result: verified.result.as_str().to_owned(),
            reason: verified.reason.to_owned(),
            domain: kept(&verified.domain),
            selector: kept(&verified.selector),
            algorithm: verified.algorithm.map_or("", Algorithm::as_str).to_owned(),
            beginning: verified.beginning.clone(),
        }
    }
}
