//! The departure in the signals of an attempt.

use std::sync::{Arc, Mutex};

use crate::{
    blob::Account,
    signals::{Settled, Shared, Signals, TraceId},
};

use super::Departure;

impl Signals {
    /// Tells when the message of the attempt leaves that these are the signals of. There is none if nobody ends the
    /// attempt but by dropping its call.
    pub fn departure(&self) -> Option<&Arc<Departure>> {
        self.0.departure.as_ref()
    }

    /// As [`Signals::branch`], for an attempt. It may be charged to another account.
    pub(crate) fn branch_for(&self, departure: Arc<Departure>, account: Option<Account>) -> Self {
        Self(Arc::new(Shared {
            trunk: Some(self.clone()),
            trace_id: Settled::of(Some(TraceId::of(self))),
            account: Settled::of(account.or_else(|| self.account().cloned())),
            departure: Some(departure),
            ..Shared::default()
        }))
    }

    /// The same signals with another departure. What is written later is seen on its own side only, except for
    /// durable signals that are written here.
    pub(crate) fn with_departure(&self, departure: Arc<Departure>) -> Self {
        let entries = self.lock().clone();
        Self(Arc::new(Shared {
            entries: Mutex::new(entries),
            trunk: Some(self.clone()),
            trace_id: Settled::of(Some(TraceId::of(self))),
            account: Settled::of(self.account().cloned()),
            departure: Some(departure),
            ..Shared::default()
        }))
    }
}
