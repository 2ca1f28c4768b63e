//! Puts off mail of clients of which nothing is known, since those who send unwanted mail seldom come back.
//!
//! A client's network (an IPv4 /24, an IPv6 /64), the reverse-path and the recipient are a *triplet*. The first time it is
//! put off; when it comes back after a while it passes, and does so from then on. A network whose triplets have often
//! come back is known by itself, and nothing of it is put off any more.
//!
//! Nothing is asked of clients that have authenticated themselves, and of mail that has come from no address.
//!
//! What is known is bounded ([`Times::max`]). Where there is more, triplets that wait are forgotten first, those of the
//! networks that have most of them: so who fills the list fills it for itself. It is a process's own, and is kept by
//! whoever calls [`Greylist::snapshot`] and [`Greylist::restore`]. What is lost of it costs a delay, and no mail.
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
