//! Verifies chains of those who have passed messages on (ARC).
//!
//! What is found out is a signal: whom to believe is for rules to decide. A chain that holds says that the message has come
//! from its last sealer as it is, and what each of them says to have found.
//!
//! *Phases*: the message. It goes on once all of it has come and the DNS was asked, for
//! [`TIME_MAX`](crate::dkim_check::TIME_MAX) at most: then the result is `temperror`. For RFC 8617 section 5.2.1 that is a
//! `fail` like others; it has a name of its own so that a rule can put a message off while that helps. Until then it is kept in a blob, and
//! only its header section in memory.
//!
//! *Signals*: writes the durable [`Arc`] (`arc`), unless it is there already.
//!
//! | reply | when |
//! |---|---|
//! | [`Reply::insufficient_storage`](koukan_core::reply::Reply::insufficient_storage), at the end | there is no room for the message |
//!
//! *Source*: RFC 8617.

mod layer;
mod service;
mod signal;

pub use self::{layer::ArcCheckLayer, service::ArcCheck, signal::Arc};
