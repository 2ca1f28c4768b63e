//! Asks the destination whether it takes a recipient, before the recipient is accepted.
//!
//! A [`Verifier`] begins a transaction at the chain by which the recipient's mail would go (MAIL, RCPT) and gives it up
//! before the message: so the question takes the same way as the mail, with the same hosts, connections, limits and
//! policies of TLS. An SMTP client says RSET then, and keeps the connection.
//!
//! | the destination says | then the recipient is | for so long |
//! |---|---|---|
//! | 2xx to RCPT | accepted | [`Lives::accepted`] |
//! | 5xx to RCPT | refused, with that reply | [`Lives::refused`] |
//! | 5xx to MAIL, or a 5xx that is about a policy (X.7.Y) | not known: it may be said of the question and not of the recipient | [`Lives::unknown`] |
//! | 4xx, or it cannot be reached | not known | [`Lives::unknown`] |
//! | nothing in time | not known; and all others of its domain, once that is so of three, with no answer between them | [`Lives::unknown`] |
//! | nothing, since its domain is suspended | not known, without a question | as long as it is |
//! | nothing, since the address is suppressed | refused, without a question | as long as it is |
//!
//! What is known is bounded, by numbers of addresses, and of a refusal's text no more than 512 octets are kept: what was refused never displaces what was accepted. Whoever asks
//! for an address of which it is being asked waits for that answer. A question that nobody waits for any more is given
//! up. The recipients of one transaction wait for [`Verifier::with_time`] together, so that a destination that is silent
//! holds up those who send to it, and them not for long; one address at which it is silent holds up nobody else; once that time is over, nothing more is asked for them.
//!
//! Nothing is asked where the client names the host itself ([`Context::next_hop`](crate::context::Context::next_hop)): no
//! other has its mail.
//!
//! *Phases*: RCPT. It belongs above an Exploder, and behind a router by which recipients stand for others: of these
//! nothing is asked.
//!
//! *Signals*: what was found out of each recipient, for [`VerifiedMatcher`]; within the chain alone.
//!
//! | reply to RCPT | when |
//! |---|---|
//! | the destination's | it has refused the recipient |
//! | [`Reply::unverified_recipient`](crate::reply::Reply::unverified_recipient) | it is not known, and [`RecipientVerificationLayer::refusing_unknown`] was asked for |
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
