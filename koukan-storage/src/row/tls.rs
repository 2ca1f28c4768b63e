//! The encryption of a connection.

use std::borrow::Cow;

use koukan_core::reply::{Encryption, TlsVerdict};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct TlsRow<'a> {
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow)]
    cipher: Cow<'a, str>,
    #[serde(borrow)]
    verdict: Cow<'a, str>,
}

impl<'a> From<&'a Encryption> for TlsRow<'a> {
    fn from(encryption: &'a Encryption) -> Self {
        Self {
            version: (&*encryption.version).into(),
            cipher: (&*encryption.cipher).into(),
            verdict: encryption.verdict.as_str().into(),
        }
    }
}

impl From<TlsRow<'_>> for Encryption {
    fn from(row: TlsRow<'_>) -> Self {
        // A verdict that only a later version knows is ignored.
        let verdict = TlsVerdict::from_name(&row.verdict);
        Self {
            version: row.version.into(),
            cipher: row.cipher.into(),
            verdict: verdict.unwrap_or(TlsVerdict::Unverified),
        }
    }
}
