//! Whether what was leased may be attempted.

use crate::storage::{Company, Passage};

use super::{Dispatcher, probing::Probing};

/// Whether what was leased may be attempted.
pub(super) enum Due {
    /// It may. It shows whether those hosts are there again.
    Goes(Vec<Probing>),
    HeldBack,
}

impl Due {
    /// It goes in any case, and tries the hosts where one of these was chosen for that.
    pub(super) fn go_on(company: &Company, probing: &mut Vec<Probing>) -> Self {
        let is_of = |probe: &mut Probing| company.leases().any(|lease| probe.is_of(lease));
        Self::Goes(probing.extract_if(.., is_of).collect())
    }

    /// It goes, also where it would be held back.
    pub(super) fn however(self) -> Self {
        match self {
            Self::HeldBack => Self::Goes(Vec::new()),
            goes @ Self::Goes(_) => goes,
        }
    }
}

impl<O> Dispatcher<O> {
    /// Whether what is due may be attempted, as far as its destination is concerned.
    pub(super) fn passage(&self, company: &Company) -> Due {
        let destinations = self.storage.destinations();
        let free = Due::Goes(Vec::new());
        if !destinations.is_any_held() {
            return free;
        }
        let lease = company.first();
        let Some(destination) = lease.scheduling_key() else {
            return free;
        };
        match destinations.ask(&destination, lease.id()) {
            Passage::Free => free,
            Passage::Probe => Due::Goes(vec![Probing::new(&self.storage, lease.id())]),
            Passage::HeldBack => {
                for lease in company.leases() {
                    destinations.waits(&destination, lease.id());
                }
                Due::HeldBack
            }
        }
    }
}
