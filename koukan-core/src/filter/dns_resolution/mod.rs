//! Finds out whether the DNS knows hosts for the domains of a transaction: that of the reverse-path, that of each
//! recipient, and the next hop that a router before this filter, or a gateway's client, has named.
//!
//! Whether mail is refused because of it is for rules to decide: [`ResolutionMatcher`].
//!
//! *Phases*: MAIL and each RCPT, which wait for the DNS: MAIL for [`TIME_MAX`] at most, and all recipients
//! together as long. What is not known by then is [`Resolution::Temp`]. A domain is asked for once in a
//! transaction.
//!
//! *Signals*: writes the durable [`DnsResolution`] (`dns_resolution`), unless it is there already, with what is
//! known of the reverse-path. What is known of recipients and next hops holds for rules of the same chain. Reads
//! [`Destination`](crate::signals::Destination).
//!
//! *Replies*: none.
//!
//! | result | of a mail domain | of a host |
//! |---|---|---|
//! | `OK` | a host that takes its mail has an address | it has an address |
//! | `NX` | there is no such name, or neither it nor a host of its MX records has an address | it has none |
//! | `NULL_MX` | it says that it takes no mail (RFC 7505), so that nobody there could be answered | |
//! | `TEMP` | the DNS has not answered, or not in time | likewise |
//!
//! An address in the place of a domain is `OK` without being asked for. The null reverse-path and the postmaster
//! without a domain have no result, and neither has a transaction without a next hop.
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
