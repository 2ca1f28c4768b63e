//! Whether a message must be sent by TLS.

use serde::{Deserialize, Serialize};

use super::DurableSignal;

/// Whether the sender cares about TLS: `false` where the message's header says `TLS-Required: No`. Then
/// the requirements of the recipients' domain (MTA-STS, DANE) do not apply.
///
/// *Source*: RFC 8689 section 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsRequired(pub bool);

impl DurableSignal for TlsRequired {
    const NAME: &'static str = "tls_required";
}
