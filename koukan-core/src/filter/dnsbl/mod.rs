//! Asks lists in the DNS of clients and domains that send unwanted mail.
//!
//! All [`Zone`]s are asked at once. What is on a list has an address there, in 127.0.0.0/8, which says why. Each list that
//! names it adds its weight to the score, which may be less than nothing where it is a list of those whose mail is wanted. A
//! list that does not answer in time, or fails, says nothing: its mail passes as far as that list is concerned.
//!
//! Nothing is asked of clients that have authenticated themselves.
//!
//! *Phases*: MAIL, which waits for the DNS for [`TIME_MAX`] at most, unless another time is given.
//!
//! *Signals*: writes the durable [`Dnsbl`] (`dnsbl`), unless it is there already.
//!
//! | reply | when |
//! |---|---|
//! | [`Reply::listed`](crate::reply::Reply::listed) to MAIL | the score is enough, and [that](DnsblLayer::without_refusal) does not leave it to rules |
//!
//! *Source*: RFC 5782.

mod layer;
mod listed;
mod matcher;
mod service;
mod zone;

pub use self::{
    layer::{DnsblLayer, TIME_MAX},
    listed::{Dnsbl, Listed},
    matcher::ListedMatcher,
    service::DnsblService,
    zone::{Subject, Zone},
};
