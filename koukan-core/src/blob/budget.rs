//! What all blobs of a pool may use, shared between clients.

use crate::shares::{Charge, Client, Shares};

use super::Payer;

/// The part of all that is the agent's reserve: an eighth.
const RESERVE: u64 = 8;

/// Memory and room for spilled octets.
#[derive(Debug)]
pub(super) struct Budget {
    clients: Part,
    agent: Part,
    /// One of the agent's messages that is larger than what is left of its reserve.
    oversize: Shares<Client>,
}

/// The part of the budget that one kind of payer has. In octets.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) memory: Shares<Client>,
    pub(super) spilled: Shares<Client>,
}

impl Budget {
    /// So many octets in memory and so many spilled, in all.
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

    /// The part from which it is paid.
    pub(super) fn of(&self, payer: &Payer) -> &Part {
        match payer {
            Payer::Client(_) => &self.clients,
            Payer::Agent => &self.agent,
        }
    }

    /// The right of one of the agent's messages to be larger than what is left of its reserve.
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
