//! Finds out whether a message is that of the domain of its author (DMARC).
//!
//! It goes by what SPF and DKIM have found out, so it stands behind the filters
//! [`spf_check`](crate::spf_check) and [`dkim_check`](crate::dkim_check). What is found out is a signal: whether
//! mail is refused because of it is for rules to decide.
//!
//! Where a message names several authors each of their domains is asked, and the worst of the answers counts.
//!
//! *Phases*: the message. Its header section is looked at before it goes on, and the DNS is waited for, for
//! [`TIME_MAX`] at most: then the result is `temperror`.
//!
//! *Signals*: reads `spf` and `dkim`; writes the durable [`Dmarc`] (`dmarc`), unless it is there already.
//!
//! *Replies*: none.
//!
//! *Source*: RFC 9989.

mod layer;
mod service;
mod signal;

pub use self::{
    layer::{DmarcCheckLayer, TIME_MAX},
    service::DmarcCheck,
    signal::Dmarc,
};
