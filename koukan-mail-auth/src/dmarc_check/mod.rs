//! Finds out whether a message authenticates as its author's domain (DMARC).
//!
//! The filter uses the results of SPF and DKIM, so it stands behind [`spf_check`](crate::spf_check) and
//! [`dkim_check`](crate::dkim_check). The result is a signal; rules decide whether mail is refused because of
//! it.
//!
//! Where a message names several authors, each of their domains is asked, and the worst answer counts.
//!
//! *Phases*: the message. Its header section is read and the DNS is asked before the message goes on. After
//! [`TIME_MAX`] without an answer the result is `temperror`.
//!
//! *Signals*: reads `spf` and `dkim`; writes the durable [`Dmarc`] (`dmarc`), unless it is set already.
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
