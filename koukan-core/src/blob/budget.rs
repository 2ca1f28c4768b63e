//! The budget of a pool, which clients share.

use crate::shares::{Charge, Client, Shares};

use super::Payer;

/// The agent's reserve is this fraction of the budget: an eighth.
const RESERVE: u64 = 8;

/// Limits for memory and for spilled octets.
#[derive(Debug)]
pub(super) struct Budget {
    clients: Part,
    agent: Part,
    /// Permits one of the agent's messages to exceed the rest of its reserve.
    oversize: Shares<Client>,
}

/// The part of the budget for one kind of payer, in octets.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) memory: Shares<Client>,
    pub(super) spilled: Shares<Client>,
}

impl Budget {
    /// A budget of `memory` octets in memory and `spilled` octets on disk.
    pub(super) fn new(memory: u64, spilled: u64) -> Self {
        let reserve = |total| total / RESERVE;
        let part = |memory, spilled| Part {
            memory: Shares::new(memory),
            spilled: Shares::new(spilled),
        };
        Self {
            clients: part(memory - reserve(memory), spilled - reserve(spilled)),
            agent: part(reserve(memory), reserve(spilled)),
            oversize: Shares::new(1),
        }
    }

    /// The part that pays for this payer.
    pub(super) fn of(&self, payer: &Payer) -> &Part {
        match payer {
            Payer::Client(_) => &self.clients,
            Payer::Agent => &self.agent,
        }
    }

    /// Asks for the right to exceed the reserve with one of the agent's messages.
    pub(super) fn oversize(&self) -> Option<Charge<Client>> {
        self.oversize.charge(&Client::Unknown, 1)
    }

    /// Octets that are charged now.
    pub(super) fn used(&self) -> u64 {
        [&self.clients, &self.agent]
            .into_iter()
            .flat_map(|part| [&part.memory, &part.spilled])
            .map(Shares::used)
            .sum()
    }
}
