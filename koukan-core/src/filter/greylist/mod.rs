//! Defers mail from unknown clients, since senders of unwanted mail seldom try again.
//!
//! A client's network (an IPv4 /24, an IPv6 /64), the reverse-path and the recipient form a *triplet*. At first it is
//! deferred. When it comes back after some time it passes, and from then on it always does. After several triplets of a
//! network have come back, the network itself is known, and nothing from it is deferred any more.
//!
//! The filter does not apply to clients that have authenticated themselves, or that have no address.
//!
//! The knowledge is limited ([`Times::max`]). Beyond the limit, waiting triplets are forgotten first, those of the
//! networks with the most of them; so whoever fills the list affects only themselves. The knowledge belongs to the
//! process; [`Greylist::snapshot`] and [`Greylist::restore`] keep it. Losing it costs delays, but no mail.
//!
//! *Phases*: RCPT. Nothing is awaited.
//!
//! *Signals*: none.
//!
//! | reply | when |
//! |---|---|
//! | [`Reply::greylisted`](crate::reply::Reply::greylisted) to RCPT | the triplet is new, or comes back too soon or too late |
//!
//! *Source*: RFC 6647.
//!
//! # Example
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//!
//! use koukan_core::{
//!     filter::greylist::{Greylist, GreylistLayer, Times},
//!     reply::Reply,
//!     test_util::{ManualClock, Script, context_from, mail, rcpt},
//!     transaction::Driver,
//! };
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let clock = Arc::new(ManualClock::default());
//! let list = Greylist::new(Times::default(), clock.clone());
//! let service = GreylistLayer::new(list).layer(Script::new());
//! let ask = async || {
//!     let context = Arc::new(context_from("192.0.2.1:25", "client.example"));
//!     let (mut driver, _) = Driver::start(service.clone(), context, mail("a@x"));
//!     let reply = driver.start_rcpt(rcpt("b@y"));
//!     driver.wait(reply).await
//! };
//! assert_eq!(ask().await, Reply::greylisted());
//! clock.advance(Duration::from_secs(600));
//! assert!(ask().await.is_positive());
//! # });
//! ```

mod known;
mod layer;
mod list;
mod service;
mod snapshot;

pub use self::{
    layer::GreylistLayer,
    list::{Greylist, Times},
    service::GreylistService,
    snapshot::{GreylistSnapshot, InvalidSnapshot},
};
