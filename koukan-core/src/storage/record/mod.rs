//! What is kept of a transaction: the values that pass between [`Storage`](super::Storage) and a
//! [`Backend`](super::Backend).

mod attempt;
mod id;
mod stored;

pub use self::{
    attempt::{Attempt, Failure, RecipientOutcome},
    id::{SessionId, TransactionId},
    stored::{
        BlobContent, Due, FinalReason, Leased, NewBody, NewTransaction, Recipient, Settlement,
        Status, StoredBody, StoredTransaction, Terms, Work,
    },
};
