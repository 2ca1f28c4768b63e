//! One message, one destination, one transaction: [`Sharing`] merges the transactions that carry copies
//! of one message to the same place.
//!
//! Each recipient of a message has a transaction of its own, with its own replies, attempts and custody.
//! With this layer directly around an endpoint, they reach the endpoint as one transaction of several
//! recipients, if the transactions
//!
//! - are copies of one message, as the [`Exploder`](super::exploder::Exploder) makes them, and every
//!   filter has done nothing but prepend the same octets;
//! - have the same context, reverse-path, MAIL parameters, need of SMTPUTF8 and
//!   [`Destination`](crate::signals::Destination), and, where the endpoint passes them on, the same
//!   durable signals ([`Sharing::with_signals_told`]).
//!
//! Such transactions are *members* of a *group*, and each recipient has a *seat* in it. An inner
//! transaction is a *run* of the group, with its seats in the order in which they were passed on:
//!
//! ```text
//! member ─ seat ─┐
//! member ─ seat ─┼─ run ── one call of the endpoint
//! member ─ seat ─┘
//! ```
//!
//! | event | effect on a run |
//! |---|---|
//! | another member comes | its recipient is passed on, unless the message has started or the run is full; then there is another run |
//! | a member leaves before the message has started | the call is dropped, and another run begins with the others; recipients that were answered are not answered again |
//! | a member leaves before the last octets are sent, if the endpoint [says](crate::signals::Departure::hold) when that is and the message can be read again | the same |
//! | a member has given up its message when it is to leave, as a stopping attempt does | the same |
//! | a member leaves later | none, as long as another stays |
//! | the destination says that there are too many recipients, after it has accepted some | the refused ones go into another run |
//! | the last copy has arrived, and each member has its message | the message starts; its octets are read once |
//! | there will be no more copies, and none has arrived for a tenth of a second, or for a second where no client waits | the message starts without those that have not arrived |
//! | no message comes for ten seconds, and somebody waits for a connection | the call is dropped; when the message comes, another run begins with the recipients, and a refusal there is the recipient's final reply |
//! | the same for half a second, and the waiting client has less than an equal share of connections, while this one has more | the same |
//! | its message arrives with less than 1 KiB a second for ten seconds, and somebody waits for a connection | the call is dropped; when the whole message is there, the same |
//! | it ends | each member gets the final reply for its recipients |
//!
//! A lone member with one recipient has the endpoint to itself: the endpoint answers the member's own slots, and
//! no run is kept. When another recipient comes, the answers so far are known, and later ones come to the group.
//! While there is one member, its task drives the group. Further members of the same task, such as those of an
//! Exploder, drive it in turn if nothing stands between them and their originator. Other members cause the group
//! to get a task of its own, which no member's end stops. A transaction whose message is complete and that can
//! have no other copies bypasses the group.
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
mod departing;
mod direct;
mod driving;
mod grace;
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
