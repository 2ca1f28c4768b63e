//! The name of a transaction in logs and in trace header fields.

use std::{fmt, sync::Arc};

use crate::id::RandomId;

use super::Signals;

/// The signal that names one transaction in logs and in the `Received` field that it adds.
///
/// *Shape*: as text 26 letters and digits. It is not a secret, and nothing is found by it but log
/// lines and header fields.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(RandomId);

impl TraceId {
    /// A new identity.
    pub fn random() -> Self {
        Self(RandomId::new())
    }

    /// The identity among `signals`, where it is put if there is none.
    pub fn of(signals: &Signals) -> Self {
        let find = || signals.find::<Self>().map(|id: Arc<Self>| *id);
        find().unwrap_or_else(|| {
            let id = Self::random();
            // If another was faster, its identity holds.
            match signals.set(id) {
                Ok(()) => id,
                Err(_) => find().unwrap_or(id),
            }
        })
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_for_each_transaction() {
        let signals = Signals::default();
        let id = TraceId::of(&signals);
        assert_eq!(TraceId::of(&signals), id);
        assert_ne!(TraceId::of(&Signals::default()), id);
    }
}
