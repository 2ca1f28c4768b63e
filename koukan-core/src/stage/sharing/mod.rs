//! One message, one destination, one transaction: [`Sharing`] merges the transactions that carry copies
//! of one message to the same place.
//!
//! Each recipient of a message has a transaction of its own, with its own replies, attempts and custody.
//! What is put directly around an endpoint in this layer still reaches the endpoint as one transaction of
//! several recipients, where the transactions
//!
//! - are copies of one message, as the [`Exploder`](super::exploder::Exploder) makes them, to which every
//!   filter has prepended the same octets, and has done nothing else;
//! - agree in context, reverse-path, MAIL parameters, need of SMTPUTF8 and
//!   [`Destination`](crate::signals::Destination), and in durable signals where the endpoint tells them
//!   ([`Sharing::with_signals_told`]).
//!
//! Such transactions are *members* of a *group*; each recipient has a *seat* in it. An inner transaction
//! is a *run* of the group, with its seats in the order in which they were handed on:
//!
//! ```text
//! member ─ seat ─┐
//! member ─ seat ─┼─ run ── one call of the endpoint
//! member ─ seat ─┘
//! ```
//!
//! | what happens | what becomes of a run |
//! |---|---|
//! | another member comes | its recipient is handed on, unless the message has started or the run is full: then there is another run |
//! | a member leaves before the message has started | the call is dropped, and another run begins with the others; who was answered is not answered again |
//! | a member has given its message up when that is to start, as an attempt does that stops | the same |
//! | a member leaves later | nothing, for as long as another stays |
//! | the destination says that there are too many recipients, after it took some | these go into another run |
//! | the last copy has come, and each member has its message | the message starts: its octets are read once |
//! | no message comes for ten seconds, and somebody waits for a connection | the call is dropped; when the message comes, another run begins with the recipients: one that is refused then gets that as its final reply |
//! | the same for half a second, and the client of who waits has less than an equal share of connections, this one's more | the same |
//! | its message comes with less than 1 KiB a second for ten seconds, and somebody waits for a connection | the call is dropped; when all of the message is there, the same |
//! | it ends | each member gets the final reply for its recipients |
//!
//! A member that is alone, with one recipient, has the endpoint to itself: the slots that the endpoint
//! answers are the member's own, and no run is kept. Once another recipient comes, what was answered is
//! known, and from then on the answers come to the group. The group is worked on by its first member's
//! task while that is the only one. Further members of the same task, as those of an Exploder are, work on it
//! in turn where nothing stands between them and their originator; others have it get a task of its own, which
//! no member's end stops. A transaction whose message is all there and that can have no others beside it is passed
//! through as it is.
//!
//! # Example
//!
//! ```
//! use koukan_core::{
//!     blob::{BlobPool, Limits},
//!     stage::{
//!         exploder::{Exploder, ReplyPolicy},
//!         sharing::SharingLayer,
//!     },
//!     test_util::{Script, mail, rcpt, send},
//! };
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let endpoint = Script::new();
//! let pool = BlobPool::in_memory(Limits::default());
//! let legs = SharingLayer::new().layer(endpoint.clone());
//! let exploder = Exploder::new(legs, ReplyPolicy::Ingress, pool);
//! send(exploder, mail("a@x"), [rcpt("bob@y"), rcpt("carol@y")], "\r\nhello\r\n").await;
//! // Two legs, and one transaction.
//! assert_eq!(endpoint.only_received().recipient_texts(), ["bob@y", "carol@y"]);
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod action;
mod alone;
mod calls;
mod demand;
mod direct;
mod driving;
mod group;
mod idle;
mod key;
mod layer;
mod lone;
mod member;
mod members;
mod progress;
mod seats;
mod service;
mod slow;
mod state;
#[cfg(test)]
mod tests;

pub use self::{
    demand::{Demand, FairShares, Wanted},
    layer::SharingLayer,
    service::{Sharing, SharingFuture},
};
