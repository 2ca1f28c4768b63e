//! Decides for each recipient where it goes, or that it is refused: [`RouterLayer`].
//!
//! A router has a [`Policy`]. [`Rules`] combines several: the first that knows the recipient decides. Policies in this
//! module are [`AddressList`], [`Suffix`], [`AddressLiterals`], [`DestDomain`], [`StaticHosts`] and [`HostList`], and
//! [`Expand`] for recipients that stand for others.
//!
//! Several routers may stand in a row. One that [passes on](RouterLayer::passing_unknown) unknown recipients leaves
//! them to the later ones, which respect its decisions.
//!
//! *Phases*: RCPT. The body is not touched.
//!
//! *Signals*: writes [`Destination`](crate::signals::Destination) when the first routed recipient passes. A
//! transaction has one destination. Before an Exploder, where recipients may go to several, use a policy that accepts
//! without routing. Writes [`Expansions`](crate::signals::Expansions) for the Exploder, and
//! [`NextSender`](crate::signals::NextSender) for a [hand-over](crate::stage::hand_over) at the end of the chain. A
//! router that only [reports](RouterLayer::dry) what it would do writes the durable signal `router.dry_run` for the
//! first recipient, and logs every recipient.
//!
//! | reply | when |
//! |---|---|
//! | the policy's | it rejects the recipient |
//! | [`Reply::relay_denied`](crate::reply::Reply::relay_denied) | the policy does not know the recipient |
//! | [`Reply::misconfigured`](crate::reply::Reply::misconfigured) | the recipient stands for others and [there is no Exploder](RouterLayer::without_exploder), or it stands for nobody |
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
