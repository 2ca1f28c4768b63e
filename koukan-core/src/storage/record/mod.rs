//! What is kept of a transaction: the values that pass between [`Storage`](super::Storage) and a
//! [`Backend`](super::Backend).

mod attempt;
mod body;
mod id;
mod idempotency;
mod shown;
mod stored;

pub use self::{
    attempt::{Attempt, Failure, RecipientOutcome},
    body::{BlobContent, BodyKind, NewBody, NewPart, StoredBody, StoredPart},
    id::{SessionId, TransactionId},
    idempotency::{IdempotencyKey, RequestDigest},
    shown::Shown,
    stored::{
        Due, FinalReason, Leased, NewTransaction, Recipient, Settlement, Standing, Status,
        StoredTransaction, Terms, Work,
    },
};
