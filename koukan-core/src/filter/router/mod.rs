//! Decides for each recipient where it goes, or that it goes nowhere: [`RouterLayer`].
//!
//! A router has a [`Policy`]; [`Rules`] is one of several, of which the first that knows the
//! recipient decides. [`AddressList`], [`Suffix`], [`AddressLiterals`], [`DestDomain`],
//! [`StaticHosts`] and [`HostList`] come with it, and [`Expand`] for recipients that stand for others.
//!
//! Routers may stand in a row. One that [passes on](RouterLayer::passing_unknown) what it does not know leaves that to
//! those after it, and these leave alone what it has decided.
//!
//! *Phases*: RCPT. It does not touch the body.
//!
//! *Signals*: writes [`Destination`](crate::signals::Destination) as the first recipient that is
//! routed passes. A transaction has one destination: before an Exploder, where recipients may
//! differ, use a policy that accepts and does not route. Writes
//! [`Expansions`](crate::signals::Expansions), for the Exploder, and [`NextSender`](crate::signals::NextSender), for a
//! [hand-over](crate::stage::hand_over) at the end of the chain. One that only [says what it would
//! do](RouterLayer::dry) writes the durable signal `router.dry_run`, for the first recipient, and logs it for each.
//!
//! | reply | when |
//! |---|---|
//! | the policy's | it rejects the recipient |
//! | [`Reply::relay_denied`](crate::reply::Reply::relay_denied) | the policy does not know the recipient |
//! | [`Reply::misconfigured`](crate::reply::Reply::misconfigured) | the recipient stands for others, and [there is no Exploder](RouterLayer::without_exploder), or for nobody |
//! | [`Reply::other_destination`](crate::reply::Reply::other_destination) | an earlier recipient goes elsewhere |
//!
//! # Example
//!
//! ```
//! use koukan_core::{
//!     filter::router::{AddressList, Decision, RouterLayer},
//!     reply::Reply,
//!     test_util::{Script, mail, rcpt, send},
//! };
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let local = AddressList::new(["example.com"], Decision::Accept);
//! let service = RouterLayer::new(local).layer(Script::new());
//! let to = [rcpt("bob@example.com"), rcpt("carol@example.net")];
//! let outcome = send(service, mail("alice@example.org"), to, "\r\nhello\r\n").await;
//! assert_eq!(outcome.recipients, [Reply::recipient_ok(), Reply::relay_denied()]);
//! # Ok::<(), std::io::Error>(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```

mod address_list;
mod aliases;
mod dest_domain;
mod host_list;
mod layer;
mod literals;
mod policy;
mod service;
mod static_hosts;
mod suffix;

pub use self::{
    address_list::AddressList,
    aliases::{Aliases, Expand, InvalidAliases, MEMBERS_MAX},
    dest_domain::DestDomain,
    host_list::HostList,
    layer::RouterLayer,
    literals::AddressLiterals,
    policy::{Decision, Policy, Rules},
    service::Router,
    static_hosts::StaticHosts,
    suffix::Suffix,
};
