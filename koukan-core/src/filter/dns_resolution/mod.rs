//! Finds out whether the DNS has hosts for the domains of a transaction: the domain of the reverse-path, that of
//! each recipient, and the next hop that a router before this filter or a gateway's client has named.
//!
//! Rules decide whether mail is refused because of that: [`ResolutionMatcher`].
//!
//! *Phases*: MAIL and each RCPT, which wait for the DNS: MAIL for at most [`TIME_MAX`], and all recipients
//! together for the same time. A result that is not known by then is [`Resolution::Temp`]. Each domain is asked
//! for once in a transaction.
//!
//! *Signals*: writes the durable [`DnsResolution`] (`dns_resolution`) with the result for the reverse-path,
//! unless it is set already. The results for recipients and next hops are visible to rules of the same chain.
//! Reads [`Destination`](crate::signals::Destination).
//!
//! *Replies*: none.
//!
//! | result | for a mail domain | for a host |
//! |---|---|---|
//! | `OK` | a host that takes its mail has an address | it has an address |
//! | `NX` | there is no such name, or neither it nor a host of its MX records has an address | it has none |
//! | `NULL_MX` | the domain accepts no mail (RFC 7505), so nobody there could be answered | |
//! | `TEMP` | the DNS did not answer in time | likewise |
//!
//! An address literal is `OK` without a query. The null reverse-path, the postmaster without a domain, and a
//! transaction without a next hop have no result.
//!
//! *Source*: RFC 5321 section 5.1.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use koukan_core::{
//!     filter::dns_resolution::{DnsResolution, DnsResolutionLayer, Resolution},
//!     test_util::{Script, ScriptedResolver, mail, rcpt, send},
//! };
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let dns = ScriptedResolver::of_zone("sends-only.example. MX 0 .");
//! let endpoint = Script::new();
//! let service = DnsResolutionLayer::new(Arc::new(dns)).layer(endpoint.clone());
//! send(service, mail("alice@sends-only.example"), [rcpt("bob@[192.0.2.1]")], "\r\nhello\r\n").await;
//! let found: DnsResolution = endpoint.only_received().signals.find_durable()?.unwrap();
//! assert_eq!(found.mail_result, Some(Resolution::NullMx));
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod layer;
mod matcher;
mod of_recipients;
mod question;
mod service;
mod signal;

pub use self::{
    layer::{DnsResolutionLayer, TIME_MAX},
    matcher::{Asked, ResolutionMatcher},
    service::ResolveDomains,
    signal::{DnsResolution, RECIPIENT, Resolution},
};
