//! Whether a message is to be secured on its way.

use serde::{Deserialize, Serialize};

use super::DurableSignal;

/// Whether the sender of a message cares for it being secured on its way: `false` where its header says
/// `TLS-Required: No`. Then what the recipients' domain demands (MTA-STS, DANE) does not count.
///
/// *Source*: RFC 8689 section 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsRequired(pub bool);

impl DurableSignal for TlsRequired {
    const NAME: &'static str = "tls_required";
}
