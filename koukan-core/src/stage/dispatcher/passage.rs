//! Whether a leased transaction may be attempted.

use crate::{
    rate::Promise,
    storage::{Company, Passage},
};

use super::{Dispatcher, probing::Probing};

/// Whether what was leased may be attempted.
pub(super) enum Due {
    /// It may. `With` is kept until it ends.
    Goes(With),
    HeldBack,
}

/// What an attempt keeps until it ends.
#[derive(Default)]
pub(super) struct With {
    /// The right to find out whether these hosts are there again.
    probing: Vec<Probing>,
    /// Its turn, where a rate limit applies; attempts that go together have one.
    turn: Option<Promise>,
}

impl With {
    pub(super) fn is_any(&self) -> bool {
        !self.probing.is_empty() || self.turn.is_some()
    }

    pub(super) fn turn(&self) -> Option<&Promise> {
        self.turn.as_ref()
    }

    fn probing(probing: Vec<Probing>) -> Self {
        Self {
            probing,
            turn: None,
        }
    }
}

impl Due {
    /// It is attempted in any case. If one of these was chosen to try the hosts, it does that.
    pub(super) fn go_on(company: &Company, probing: &mut Vec<Probing>) -> Self {
        let is_of = |probe: &mut Probing| company.leases().any(|lease| probe.is_of(lease));
        Self::Goes(With::probing(probing.extract_if(.., is_of).collect()))
    }

    /// It is attempted even if it would be held back.
    pub(super) fn however(self) -> Self {
        match self {
            Self::HeldBack => Self::Goes(With::default()),
            goes @ Self::Goes(_) => goes,
        }
    }

    /// If it is attempted, it has this turn.
    pub(super) fn in_turn(mut self, turn: Promise) -> Self {
        if let Self::Goes(with) = &mut self {
            with.turn = Some(turn);
        }
        self
    }
}

impl<O> Dispatcher<O> {
    /// Whether a due transaction may be attempted, as far as its destination is concerned.
    pub(super) fn passage(&self, company: &Company) -> Due {
        let destinations = self.storage.destinations();
        let free = Due::Goes(With::default());
        if !destinations.is_any_held() {
            return free;
        }
        let lease = company.first();
        let Some(destination) = lease.scheduling_key() else {
            return free;
        };
        match destinations.ask(&destination, lease.id()) {
            Passage::Free => free,
            Passage::Probe => {
                let probing = vec![Probing::new(&self.storage, lease.id())];
                Due::Goes(With::probing(probing))
            }
            Passage::HeldBack => {
                for lease in company.leases() {
                    destinations.waits(&destination, lease.id());
                }
                Due::HeldBack
            }
        }
    }
}
