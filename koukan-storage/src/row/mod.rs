//! Rows: how transactions stand in tables.
//!
//! What is not searched for stands as JSON in columns. The types here say how; they tolerate
//! fields that they do not know, and a field that is added has a default, so that a version reads
//! what its neighbours wrote.

mod attempt;
mod body;
mod context;
mod conversation;
mod event;
mod mail;
mod malformed;
mod names;
mod recipient;
mod reply;
mod scheduling_key;
mod settlement;
mod status;
mod stored;
#[cfg(test)]
mod tests;
mod time;
mod tls;
mod transaction;

pub(crate) use self::{
    attempt::{NewAttempt, attempt},
    body::chunks,
    conversation::conversation,
    event::{EventRow, kept_event, named_recipient},
    malformed::Malformed,
    names::names,
    scheduling_key::scheduling_keys,
    settlement::{LeaseRow, SettlementRow},
    status::{ABANDON, work_as_str, work_of},
    stored::StoredRow,
    time::{from_micros, micros},
    transaction::{Telling, Texts, TransactionRow},
};
