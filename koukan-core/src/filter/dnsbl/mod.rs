//! Looks clients and domains up in DNS lists of senders of unwanted mail.
//!
//! All [`Zone`]s are asked at the same time. A listed name has an address in 127.0.0.0/8, which tells the reason. Each
//! list that contains the name adds its weight to the score; the weight of a list of wanted senders is negative. A list
//! that does not answer in time, or fails, adds nothing.
//!
//! Clients that have authenticated themselves are not looked up.
//!
//! *Phases*: MAIL, which waits for the DNS for at most [`TIME_MAX`], unless another time is set.
//!
//! *Signals*: writes the durable [`Dnsbl`] (`dnsbl`), unless it is set already.
//!
//! | reply | when |
//! |---|---|
//! | [`Reply::listed`](crate::reply::Reply::listed) to MAIL | the score is high enough, and the decision is not [left to rules](DnsblLayer::without_refusal) |
//!
//! *Source*: RFC 5782.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use koukan_core::{
//!     blob::Blob,
//!     filter::dnsbl::{DnsblLayer, Subject, Zone},
//!     middleware::DeliverRequest,
//!     reply::Reply,
//!     test_util::{Script, ScriptedResolver, context_from, mail, rcpt, send_with},
//! };
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let dns = ScriptedResolver::of_zone("1.2.0.192.list.example. A 127.0.0.2");
//! let zones = [Zone::new("list.example", Subject::Client)];
//! let service = DnsblLayer::new(zones, Arc::new(dns)).layer(Script::new());
//! let context = Arc::new(context_from("192.0.2.1:4321", "client.example"));
//! let request = DeliverRequest::new(context, mail("a@x"), Blob::from_bytes("\r\nhello\r\n".into())).to(rcpt("b@y"));
//! let outcome = send_with(service, request).await;
//! assert_eq!(outcome.mail.to_string().split(' ').next(), Some("554"));
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

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
