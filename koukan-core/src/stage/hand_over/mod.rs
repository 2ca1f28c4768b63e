//! Hands a transaction on to another chain of this agent, in the same call: [`HandOver`].
//!
//! It stands at the end of a chain, around the endpoint. What a router has routed to a sender
//! ([`NextSender`](crate::signals::NextSender)) goes through the chain of that sender; everything else goes to the endpoint.
//! So what users submit for domains of which this agent takes mail passes the chain for these, with its aliases, rules
//! and destinations, and not a connection from this agent to itself.
//!
//! The message comes there as from this agent itself: with its envelope, its trace id and whom its octets are charged to.
//! Nothing else of the client goes along, neither its address nor who it has shown to be, nor what filters have
//! found out about it here: whether it may send is decided here, and the other chain is not to ask again by what holds
//! for strangers. Whether anybody waits for the attempt, and whether it was asked for, is so there as well.
//!
//! | it answers | when |
//! |---|---|
//! | [`Reply::sender_ok`](crate::reply::Reply::sender_ok) to MAIL | the client waits for that before it names a recipient |
//! | [`Reply::misconfigured`](crate::reply::Reply::misconfigured) | the sender has no chain |
//! | [`Reply::loops_back`](crate::reply::Reply::loops_back) | chains have handed the transaction over to each other too often |
//! | [`Reply::no_valid_recipients`](crate::reply::Reply::no_valid_recipients) | there was no recipient |
//! | what the other chain answers, or the endpoint | otherwise |
//!
//! An Exploder of the other chain tells senders of success and failure as it is to. What was found out of SPF here decides
//! there, too: [`NotifyWhen::SpfPass`](crate::stage::exploder::NotifyWhen::SpfPass). Where it tells of success, its positive reply
//! is [`Handover::PassedOn`](crate::reply::Handover::PassedOn); otherwise that is left to whoever has the reply.
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
