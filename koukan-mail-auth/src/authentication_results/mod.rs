//! Tells readers of a message what was found out of who sent it: the field `Authentication-Results`.
//!
//! The field has what the signals `spf`, `dkim` and `dmarc` say, so it stands behind the filters that write
//! them. Fields of that name that come with the message and claim to be of this agent are taken out: whoever reads
//! the message relies on them.
//!
//! *Phases*: the message. Its header section is looked at before it goes on. A message that goes on by
//! reference stays so, unless a field is taken out of it.
//!
//! *Signals*: reads [`Spf`](crate::spf_check::Spf), [`Dkim`](crate::dkim_check::Dkim) and
//! [`Dmarc`](crate::dmarc_check::Dmarc).
//!
//! | reply | when |
//! |---|---|
//! | [`Reply::message_too_big`](koukan_core::reply::Reply::message_too_big), at the end | its header section is longer than [`HEADER_MAX`](crate::dkim::HEADER_MAX) |
//!
//! *Source*: RFC 8601.

mod claim;
mod field;
mod layer;
mod service;

pub use self::{layer::AuthenticationResultsLayer, service::AuthenticationResults};
