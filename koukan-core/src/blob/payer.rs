//! Who pays for octets.

use crate::shares::Client;

/// Who pays for the octets of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payer {
    /// The client that sends them.
    Client(Client),
    /// The agent, for what it has promised, for example an attempt at queued mail. It has a reserve of
    /// its own, an eighth of everything, which clients cannot use.
    Agent,
}

impl Payer {
    /// The client; for the agent, its placeholder within the reserve.
    pub(super) fn holder(self) -> Client {
        match self {
            Self::Client(client) => client,
            Self::Agent => Client::Unknown,
        }
    }
}
