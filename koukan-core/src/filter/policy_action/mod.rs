//! Rules: a condition on a transaction or recipient, and an action. [`PolicyLayer`].
//!
//! Findings and policy are separate: filters write [`signals`](crate::signals), and rules decide by them. A rule
//! ([`PolicyRule`]) has an [`Expression`] of [`Matcher`]s, whose result is [`Verdict::Match`],
//! [`Verdict::NoMatch`] or [`Verdict::NotYetKnown`], and a [`PolicyAction`]. Each rule is a filter of its own,
//! so rules can stand between the filters whose signals they need.
//!
//! *Phases*: a rule is evaluated at MAIL. While the result is unknown, it is evaluated again at each RCPT,
//! before the message goes on, and before its end. A rule [per recipient](PolicyRule::per_recipient) is
//! evaluated at each RCPT. It touches the body only if the result is unknown at RCPT. If a matcher needs the
//! header section, that is read before the message goes on, and charged to the transaction's account.
//!
//! *Tags*: rules with the same tag form a group, and are evaluated in order.
//!
//! | | |
//! |---|---|
//! | the result is not yet known | later rules of the tag are not evaluated at that moment, either |
//! | `REJECT`, `DEFER`, `MATCH` | the rules of the tag are not evaluated any more |
//! | `LOG`, `TAG` | this rule is not evaluated any more |
//!
//! This applies to the transaction; for a rule per recipient, to the recipient.
//!
//! *Signals*: writes the durable signal `policy.rule.NAME`, and `policy.tag.TAG` if the action ends the tag. So
//! the parts of the message, its attempts, and other agents know of it ([`Earlier`](matchers::Earlier)).
//!
//! *Events*: [`PolicyMatched`](crate::event::Event::PolicyMatched), except for `TAG`.
//!
//! | reply | when |
//! |---|---|
//! | the rule's, or [`Reply::policy_refused`](crate::reply::Reply::policy_refused) | it matches with `REJECT` |
//! | the rule's, if it is transient, or [`Reply::policy_deferred`](crate::reply::Reply::policy_deferred) | it matches with `DEFER` |
//! | [`Reply::message_too_big`](crate::reply::Reply::message_too_big) to the message | a rule needs the header section, which is longer than [`HEADER_MAX`](crate::body::HEADER_MAX) octets |
//! | [`Reply::insufficient_storage`](crate::reply::Reply::insufficient_storage) to the message | a rule needs the header section, and the account has no room for it |
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
