//! Rows: how transactions are stored in tables.
//!
//! Values that are never searched for are stored as JSON in columns; the types here define it. They
//! ignore unknown fields, and an added field has a default. So a version can read what the versions
//! before and after it wrote.

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
    recipient::open_recipients,
    scheduling_key::scheduling_keys,
    settlement::{LeaseRow, SettlementRow},
    status::{ABANDON, work_as_str, work_of},
    stored::StoredRow,
    time::{from_micros, micros},
    transaction::{Telling, Texts, TransactionRow},
};
