//! Counts handshakes by kind.

use std::sync::atomic::{AtomicU64, Ordering};

use rustls::{CommonState, HandshakeKind};
use serde_json::{Value, json};

/// Handshakes by kind.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    full: AtomicU64,
    resumed: AtomicU64,
}

impl Counts {
    /// Notes the handshake of a connection.
    pub(super) fn note(&self, connection: &CommonState) {
        let count = match connection.handshake_kind() {
            Some(HandshakeKind::Resumed) => &self.resumed,
            _ => &self.full,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of each kind.
    pub(crate) fn report(&self) -> Value {
        let [full, resumed] =
            [&self.full, &self.resumed].map(|count| count.load(Ordering::Relaxed));
        json!({ "full": full, "resumed": resumed })
    }
}
