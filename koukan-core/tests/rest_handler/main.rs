//! The transaction as a resource, over a memory backend and a scripted upstream.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod agent;
mod budget;
mod cancel;
mod cancel_table;
mod create;
mod destinations;
#[path = "../failing/mod.rs"]
mod failing;
mod failing_backend;
mod incremental;
mod list;
mod memory;
mod messages;
mod queued_message;
mod read;
mod refused;
mod repeated;
mod restart;
mod reuse;
mod send_at;
mod signals;
mod stored_spec;
mod table_of_replies;
mod upload;
mod upload_anew;
mod views;
