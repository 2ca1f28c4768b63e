//! Whose budget pays.

use crate::shares::Client;

/// Whose part of the budget pays for the octets of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payer {
    /// Who brings them.
    Client(Client),
    /// The agent: it keeps what was promised, as by an attempt at queued mail. It has a reserve of its
    /// own, an eighth of all, which clients cannot touch.
    Agent,
}

impl Payer {
    /// The client, or what stands for the agent within its reserve.
    pub(super) fn holder(self) -> Client {
        match self {
            Self::Client(client) => client,
            Self::Agent => Client::Unknown,
        }
    }
}
