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
//! for strangers.
//!
//! | it answers | when |
//! |---|---|
//! | [`Reply::sender_ok`](crate::reply::Reply::sender_ok) to MAIL | the client waits for that before it names a recipient |
//! | [`Reply::misconfigured`](crate::reply::Reply::misconfigured) | the sender has no chain |
//! | [`Reply::no_valid_recipients`](crate::reply::Reply::no_valid_recipients) | there was no recipient |
//! | what the other chain answers, or the endpoint | otherwise |
//!
//! Who is told of success is up to the other chain: a positive reply of it is
//! [`Handover::PassedOn`](crate::reply::Handover::PassedOn).

mod layer;
mod service;

pub use self::{layer::HandOverLayer, service::HandOver};
