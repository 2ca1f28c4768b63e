//! Encodes the parts of a message that a host does not accept.

use bytes::Bytes;
use koukan_core::{
    message::downgrade::{Downgrade, Signatures, Transport, Unconvertible},
    path::{Parameter, Parameters},
};

use crate::codec::{Capabilities, Foreknowledge, MailParameters, Unsendable};

/// Makes a message acceptable to the host.
#[derive(Debug, Clone)]
pub(super) struct Conversion {
    downgrade: Downgrade,
    /// What the host lacks; it is the failure if the message cannot be converted.
    lacking: Unsendable,
}

/// The parameters without BINARYMIME, for a host that does not offer it; `None` if nothing needs to
/// change.
pub(super) fn without_binary(
    given: &Parameters,
    capabilities: &Capabilities,
) -> Option<Box<Parameters>> {
    let is_offered = capabilities.binarymime && capabilities.chunking;
    if is_offered || !given.is_binarymime() {
        return None;
    }
    let mut without = given.clone();
    without.remove("BODY");
    let eight_bit = Parameter::new("BODY", Some("8BITMIME"));
    let eight_bit = eight_bit.expect("keyword and value are constant, and a parameter");
    // It replaces the parameter that was removed.
    let _ = without.push(eight_bit);
    Some(Box::new(without))
}

impl Conversion {
    /// The conversion of a message for which these parameters were chosen. `is_binary` says whether
    /// it was given with BODY=BINARYMIME. `None` if the message is sent unchanged.
    pub(super) fn of(
        signatures: Signatures,
        chosen: &MailParameters<'_>,
        is_binary: bool,
        known: Foreknowledge,
    ) -> Option<Self> {
        let transport = match (chosen.is_7bit_only(), is_binary) {
            (true, false) if known.is_ascii == Some(true) => return None,
            (true, _) => Transport::SevenBit,
            (false, true) => Transport::EightBit,
            (false, false) => return None,
        };
        let downgrade = Downgrade::new(transport).with_signatures(signatures);
        Some(match is_binary {
            true => Self {
                downgrade: downgrade.of_binary(),
                lacking: Unsendable::NeedsBinarymime,
            },
            false => Self {
                downgrade,
                lacking: Unsendable::Needs8bitmime,
            },
        })
    }

    /// Whether these chunks can be converted, including the end of the message if this is its end.
    pub(super) fn would_take<'a>(
        mut self,
        chunks: impl IntoIterator<Item = &'a Bytes>,
        is_all: bool,
    ) -> Result<(), Unsendable> {
        for chunk in chunks {
            self.chunk(chunk)?;
        }
        match is_all {
            true => self.end().map(drop),
            false => Ok(()),
        }
    }

    pub(super) fn chunk(&mut self, chunk: &[u8]) -> Result<Bytes, Unsendable> {
        let lacking = self.lacking;
        let converted = self.downgrade.chunk(chunk);
        converted.map_err(|Unconvertible| lacking)
    }

    pub(super) fn end(self) -> Result<Bytes, Unsendable> {
        let lacking = self.lacking;
        self.downgrade.end().map_err(|Unconvertible| lacking)
    }
}
