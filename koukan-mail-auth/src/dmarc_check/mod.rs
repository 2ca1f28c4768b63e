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
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use koukan_core::test_util::{Script, ScriptedResolver, mail, rcpt, send};
//! use koukan_mail_auth::dmarc_check::{Dmarc, DmarcCheckLayer};
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let dns = ScriptedResolver::of_zone(r#"_dmarc.example.com. TXT "v=DMARC1; p=reject""#);
//! let endpoint = Script::new();
//! // Neither SPF nor DKIM has found that the message is the domain's.
//! let service = DmarcCheckLayer::new(Arc::new(dns)).layer(endpoint.clone());
//! let message = "From: alice@example.com\r\n\r\nhello\r\n";
//! send(service, mail("alice@example.com"), [rcpt("bob@y")], message).await;
//! let dmarc: Dmarc = endpoint.only_received().signals.find_durable()?.unwrap();
//! assert_eq!((&*dmarc.result, &*dmarc.policy), ("fail", "reject"));
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod layer;
mod service;
mod signal;

pub use self::{
    layer::{DmarcCheckLayer, TIME_MAX},
    service::DmarcCheck,
    signal::Dmarc,
};
