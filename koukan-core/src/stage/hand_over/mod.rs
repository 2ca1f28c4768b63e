//! Hands a transaction on to another chain of this agent, in the same call: [`HandOver`].
//!
//! It stands at the end of a chain, around the endpoint. A message that a router has routed to a sender
//! ([`NextSender`](crate::signals::NextSender)) goes through that sender's chain; everything else goes to the endpoint.
//! So mail that users submit for this agent's own domains passes the chain for these, with its aliases, rules and
//! destinations, without a connection from the agent to itself.
//!
//! In the other chain the message appears to come from this agent: with its envelope, its trace id and its account.
//! Nothing else about the client is passed on, neither its address and identity nor the findings of filters. Whether it
//! may send is decided in this chain, and the rules for strangers in the other chain must not decide that again.
//! Whether a client waits for the attempt, whether an operator asked for it, and when the message leaves, is passed on.
//!
//! | it answers | when |
//! |---|---|
//! | [`Reply::sender_ok`](crate::reply::Reply::sender_ok) to MAIL | the client waits for that before it names a recipient |
//! | [`Reply::misconfigured`](crate::reply::Reply::misconfigured) | the sender has no chain |
//! | [`Reply::loops_back`](crate::reply::Reply::loops_back) | chains have handed the transaction over too often |
//! | [`Reply::no_valid_recipients`](crate::reply::Reply::no_valid_recipients) | there was no recipient |
//! | the answer of the other chain or of the endpoint | otherwise |
//!
//! An Exploder in the other chain notifies senders of success and failure as usual. The SPF result of this chain counts
//! there, too: [`NotifyWhen::SpfPass`](crate::stage::exploder::NotifyWhen::SpfPass). If that Exploder notifies of
//! success, its positive reply is [`Handover::PassedOn`](crate::reply::Handover::PassedOn); otherwise that is left to
//! whoever gets the reply.
//!
//! # Example
//!
//! ```
//! use koukan_core::{
//!     context::Sender,
//!     filter::router::{AddressList, Decision, RouterLayer},
//!     service::BoxMailService,
//!     stage::{
//!         hand_over::HandOverLayer,
//!         output_handler::{Chain, ChainMap, RetryPolicy},
//!     },
//!     test_util::{Script, mail, rcpt, send},
//! };
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let (incoming, endpoint) = (Script::new(), Script::new());
//! let chain = Chain {
//!     service: BoxMailService::new(incoming.clone()),
//!     retry: RetryPolicy::default(),
//! };
//! let chains = ChainMap::new().with(Sender::new("incoming"), chain);
//! let ours = AddressList::new(["example.com"], Decision::HandOver(Sender::new("incoming")));
//! let service = RouterLayer::new(ours).layer(HandOverLayer::new(chains).layer(endpoint.clone()));
//! send(service, mail("a@x"), [rcpt("bob@example.com")], "\r\nhello\r\n").await;
//! assert_eq!(incoming.only_received().recipient_texts(), ["bob@example.com"]);
//! assert!(endpoint.received().is_empty());
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod layer;
mod service;

pub use self::{layer::HandOverLayer, service::HandOver};
