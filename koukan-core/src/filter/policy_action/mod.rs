//! Rules: what is to be so of a transaction or a recipient, and what is done then. [`PolicyLayer`].
//!
//! Findings stand apart from policy: filters write [`signals`](crate::signals), rules decide by them. A
//! rule ([`PolicyRule`]) has an [`Expression`] of [`Matcher`]s, which say [`Verdict::Match`],
//! [`Verdict::NoMatch`] or [`Verdict::NotYetKnown`], and a [`PolicyAction`]. Each rule is a filter of its
//! own, so that rules stand between the filters whose signals they need.
//!
//! *Phases*: a rule is looked at at MAIL; where it does not know then at each RCPT, before the message goes on,
//! and before its end does. One that is [per recipient](PolicyRule::per_recipient) is looked at at each RCPT.
//! It touches the body only where it does not know at RCPT; where a matcher asks for the header section, that is
//! read before the message goes on, and charged to the transaction's account.
//!
//! *Tags*: rules of one tag belong together, and are looked at in their order.
//!
//! | | |
//! |---|---|
//! | it does not know yet | the rules of its tag after it are not looked at either, at that moment |
//! | `REJECT`, `DEFER`, `MATCH` | the rules of its tag are not looked at any more |
//! | `LOG`, `TAG` | this rule is not looked at any more |
//!
//! All that is for the transaction; of a rule per recipient, for that recipient.
//!
//! *Signals*: writes the durable signal `policy.rule.NAME`, and `policy.tag.TAG` where its tag ends with it, so
//! that the parts of the message, attempts at it and other agents know of it ([`Earlier`](matchers::Earlier)).
//!
//! *Events*: [`PolicyMatched`](crate::event::Event::PolicyMatched), but for `TAG`.
//!
//! | reply | when |
//! |---|---|
//! | the rule's, or [`Reply::policy_refused`](crate::reply::Reply::policy_refused) | it matches with `REJECT` |
//! | the rule's, if it is transient, or [`Reply::policy_deferred`](crate::reply::Reply::policy_deferred) | it matches with `DEFER` |
//! | [`Reply::message_too_big`](crate::reply::Reply::message_too_big) to the message | a rule asks for the header section, and that has more than [`HEADER_MAX`](crate::body::HEADER_MAX) octets |
//! | [`Reply::insufficient_storage`](crate::reply::Reply::insufficient_storage) to the message | likewise, and the account has no room for it |
//!
//! # Example
//!
//! ```
//! use koukan_core::{
//!     filter::policy_action::{
//!         Expression, PolicyAction, PolicyLayer, PolicyRule, matchers::NumRcpts,
//!     },
//!     test_util::{Script, mail, rcpt, send},
//! };
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let one_at_a_time = PolicyRule::new("max_rcpts")
//!     .with_match(Expression::new(NumRcpts::new(1)))
//!     .with_action(PolicyAction::Defer)
//!     .per_recipient();
//! let service = PolicyLayer::new(one_at_a_time).layer(Script::new());
//! let to = [rcpt("bob@y"), rcpt("carol@y")];
//! let outcome = send(service, mail("alice@x"), to, "\r\nhello\r\n").await;
//! let codes: Vec<_> = outcome.recipients.iter().map(|reply| reply.code().as_u16()).collect();
//! assert_eq!(codes, [250, 450]);
//! # });
//! ```

mod course;
mod expression;
mod header;
mod layer;
mod matcher;
pub mod matchers;
mod results;
mod rule;
mod service;
mod watch;

pub use self::{
    expression::Expression,
    layer::PolicyLayer,
    matcher::{Facts, Matcher, Moment, Verdict},
    rule::{PolicyAction, PolicyRule},
    service::PolicyService,
    watch::{Look, Looked, RuleWatch},
};
