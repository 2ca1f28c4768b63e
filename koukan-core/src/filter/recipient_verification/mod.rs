//! Asks the destination whether it accepts a recipient, before the recipient is accepted.
//!
//! A [`Verifier`] begins a transaction (MAIL, RCPT) through the chain that the recipient's mail would use, and abandons
//! it before the message. So the question takes the same way as the mail, with the same hosts, connections, limits and
//! TLS policies. An SMTP client then sends RSET, and keeps the connection.
//!
//! | the destination says | then the recipient is | for |
//! |---|---|---|
//! | 2xx to RCPT | accepted | [`Lives::accepted`] |
//! | 5xx to RCPT | refused, with that reply | [`Lives::refused`] |
//! | 5xx to MAIL, or a 5xx about a policy (X.7.Y) | unknown: the refusal may be about the question and not about the recipient | [`Lives::unknown`] |
//! | 4xx, or it cannot be reached | unknown | [`Lives::unknown`] |
//! | nothing in time | unknown; after three such recipients of a domain, with no reply in between, so are all others of the domain | [`Lives::unknown`] |
//! | nothing, since its domain is suspended | unknown, without a question | as long as it is suspended |
//! | nothing, since the address is suppressed | refused, without a question | as long as it is suppressed |
//!
//! The cache is limited by numbers of addresses, and keeps at most 512 octets of a refusal's text; refused addresses
//! never displace accepted ones. If the same address is being asked for already, the filter waits for that answer. A
//! question that nobody waits for is abandoned. The recipients of one transaction together wait for
//! [`Verifier::with_time`]. So a silent destination delays only mail that is sent to it, and not for long; a single
//! silent address delays nobody else. When the time is over, nothing more is asked for the transaction.
//!
//! Nothing is asked where the client names the host itself ([`Context::next_hop`](crate::context::Context::next_hop)):
//! only that host gets the mail.
//!
//! *Phases*: RCPT. The filter belongs above an Exploder, and behind a router that expands recipients: expanded
//! recipients are not asked for.
//!
//! *Signals*: the result for each recipient, for [`VerifiedMatcher`]; within this chain only.
//!
//! | reply to RCPT | when |
//! |---|---|
//! | the destination's | it has refused the recipient |
//! | [`Reply::unverified_recipient`](crate::reply::Reply::unverified_recipient) | the result is unknown, and [`RecipientVerificationLayer::refusing_unknown`] is set |
//!
//! # Example
//!
//! ```
//! use koukan_core::{
//!     context::Sender,
//!     filter::recipient_verification::{RecipientVerificationLayer, Verifier},
//!     reply::Reply,
//!     service::BoxMailService,
//!     test_util::{Script, mail, rcpt, send},
//! };
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let destination = Script::new().rcpt("carol@example.com", Reply::no_such_user());
//! let verifier = Verifier::new(Sender::new("outgoing"), BoxMailService::new(destination));
//! let queue = Script::new();
//! let service = RecipientVerificationLayer::new(verifier).layer(queue.clone());
//! let to = [rcpt("bob@example.com"), rcpt("carol@example.com")];
//! let outcome = send(service, mail("alice@example.org"), to, "\r\nhello\r\n").await;
//! assert_eq!(outcome.recipients, [Reply::recipient_ok(), Reply::no_such_user()]);
//! assert_eq!(queue.only_received().recipients.len(), 1);
//! # });
//! ```

mod conversation;
mod found;
mod known;
mod layer;
mod matcher;
mod question;
mod routes;
mod service;
mod verifier;

pub use self::{
    found::{RECIPIENT, Verification},
    known::{Lives, MAX_ENTRIES},
    layer::RecipientVerificationLayer,
    matcher::VerifiedMatcher,
    service::VerifyRecipients,
    verifier::{TIME_MAX, Verifier},
};
