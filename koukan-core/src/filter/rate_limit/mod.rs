//! Defers mail that exceeds a rate.
//!
//! A [`Limit`] counts messages or recipients by what they have in common ([`RateKey`]). A message that is over one
//! limit takes nothing from the others. Each process counts for itself, from its start, and remembers a limited
//! number of keys for each limit; beyond that it forgets those with the fewest tokens taken.
//!
//! *Phases*: MAIL, where messages are counted, and RCPT, where recipients are counted. Nothing is awaited.
//!
//! *Signals*: none.
//!
//! | reply | when |
//! |---|---|
//! | [`Reply::over_limit`](crate::reply::Reply::over_limit) to MAIL or RCPT | a limit is exceeded |
//!
//! # Example
//!
//! ```
//! use std::{num::NonZeroU32, time::Duration};
//!
//! use koukan_core::{
//!     filter::rate_limit::{Limit, RateKey, RateLimitLayer},
//!     reply::Reply,
//!     test_util::{Script, mail, rcpt, send},
//! };
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let one_a_minute = Limit::new([RateKey::MailFrom], NonZeroU32::MIN, Duration::from_secs(60));
//! let service = RateLimitLayer::new([one_a_minute]).layer(Script::new());
//! let first = send(service.clone(), mail("a@x"), [rcpt("b@y")], "\r\nhi\r\n").await;
//! assert!(first.message.unwrap().is_positive());
//! let second = send(service, mail("A@x"), [rcpt("b@y")], "\r\nhi\r\n").await;
//! assert_eq!(second.mail, Reply::over_limit());
//! # });
//! ```

mod buckets;
mod key;
mod layer;
mod limit;
mod service;

pub use self::{
    key::RateKey,
    layer::RateLimitLayer,
    limit::{Limit, MAX_KEYS},
    service::RateLimit,
};

pub(in crate::filter) use self::{buckets::Buckets, key::together};
