//! Finds out whether a client may send mail of the domain that it names (SPF).
//!
//! The domain is that of the reverse-path; where that is null it is the name that the client gave in HELO or
//! EHLO, with the local part `postmaster`. What is found out is a signal: whether mail is refused because of
//! it is for rules to decide.
//!
//! *Phases*: MAIL, which waits for the DNS, for [`TIME_MAX`] at most: then the result is `temperror`.
//!
//! *Signals*: writes the durable [`Spf`] (`spf`), unless it is there already. It is `none` where the client has
//! no address, as for a message that came by HTTP.
//!
//! *Replies*: none.
//!
//! *Source*: RFC 7208.

mod layer;
mod service;
mod signal;

pub use self::{
    layer::{SpfCheckLayer, TIME_MAX},
    service::SpfCheck,
    signal::{Identity, Spf},
};
