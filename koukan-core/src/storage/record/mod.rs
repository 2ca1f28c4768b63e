//! The values that [`Storage`](super::Storage) and a [`Backend`](super::Backend) exchange about
//! transactions.

mod attempt;
mod ban;
mod body;
mod change;
mod companions;
mod conversation;
mod event;
mod idempotency;
mod scheduling_key;
mod shown;
mod stored;
mod suppression;
mod suspension;

pub use crate::id::{MessageKey, SessionId, TransactionId};

pub use self::{
    attempt::{Attempt, Failure, RecipientOutcome},
    ban::BanChange,
    body::{BlobContent, BodyKind, NewBody, NewPart, StoredBody, StoredPart},
    change::{Change, Judged, QueueAction, Seen, Skipped},
    companions::Companions,
    conversation::{Conversation, Spoken},
    event::{EventKind, KeptEvent, NewEvent},
    idempotency::{IdempotencyKey, RequestDigest},
    scheduling_key::SchedulingKey,
    shown::Shown,
    stored::{
        Commit, Due, FinalReason, Leased, NewTransaction, Recipient, Settlement, Standing, Status,
        StoredTransaction, Terms, Work,
    },
    suppression::{Suppression, SuppressionChange, suppressed_address},
    suspension::{DestinationCensus, Suspension, SuspensionChange},
};
pub(in crate::storage) use self::{event::EventSource, stored::begins};
