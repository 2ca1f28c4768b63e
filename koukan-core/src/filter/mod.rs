//! Filters: layers that read, change or refuse transactions.
//!
//! Each has a directory of its own. Findings and policy are separate: some filters write
//! [`signals`](crate::signals), others decide by them.

pub mod add_route;
pub mod allowed_senders;
pub mod change_header;
pub mod dns_resolution;
pub mod dnsbl;
pub mod greylist;
pub mod message_builder;
pub mod message_parser;
pub mod message_validation;
pub mod policy_action;
pub mod rate_limit;
pub mod received_header;
pub mod recipient_verification;
pub mod remote_host;
pub mod router;
pub mod send_as;
pub mod tls_required;

mod mailbox_list;
mod mailbox_set;
mod replaceable;

pub use self::{
    mailbox_list::MailboxList,
    mailbox_set::{InvalidEntry, MailboxSet},
    replaceable::Replaceable,
};
