//! The transaction as a resource, over this process's storage: the [`RestHandler`].
//!
//! It is thin: what is asked goes into [`Storage`](crate::storage::Storage), and what is answered
//! comes out of it. There are two dialects, which the sender's [`SenderPolicy`] chooses:
//!
//! - [`Dialect::Whole`], for applications: MAIL and RCPT come with the create, and the message with
//!   it or by upload. What is created is committed before it is answered: the whole transaction, or
//!   a draft of it that is completed by the end of the upload.
//! - [`Dialect::Incremental`], for SMTP gateways: commands come one by one as an SMTP client sends
//!   them. Nothing is promised but by what is upstream, so nothing is committed here. Where neither
//!   change nor heartbeat comes for too long, the transaction ends with "downstream timeout".
//!
//! The attempt begins at once and goes on beside the requests; see [`Attempts`].
//!
//! | refusal | when |
//! |---|---|
//! | not found | there is no such sender, transaction or blob |
//! | forbidden | the caller may not act for the sender |
//! | malformed | a field is missing, or not allowed here |
//! | conflict | what is written once was written before, or the transaction is over |
//! | version mismatch, version missing | of an append |
//! | wrong range, too large | of an upload |
//! | unavailable | memory, disk or attempts are short, or the agent stops |
//!
//! # Where to read
//!
//! | module | holds |
//! |---|---|
//! | `service`, `senders` | who may ask for what |
//! | `create`, `append`, `upload`, `read`, `list` | one kind of request each |
//! | `create/message`, `message` | messages of several transactions |
//! | `open_transaction` | a transaction that requests are still making, and what goes on beside them |
//! | `message_source` | what a message is made of: octets, the body of another one, a description |
//! | `view` | what readers see, and its version |
//! | `attempts` | how many attempts there may be, and the stop |

mod append;
mod attempts;
mod create;
mod list;
mod message;
mod message_source;
mod open_transaction;
mod read;
mod refusals;
mod senders;
mod service;
mod settings;
mod unfinished_uploads;
mod upload;
mod view;

pub use self::{
    attempts::Attempts,
    senders::{Dialect, SenderPolicy, Senders},
    service::RestHandler,
    settings::Settings,
};
pub(in crate::stage) use self::{refusals::unknown_transaction, view::view};
