//! One leg for each recipient: the [`Exploder`].
//!
//! It answers MAIL itself, starts a transaction with one recipient for each RCPT through an inner
//! service, gives all of them the same message without a copy, and makes one final reply of
//! theirs. A recipient that is named again has the leg that it has already, unless it was refused, and
//! so gets one copy; each RCPT is answered. Where some recipients have got the message and others
//! have not, which one SMTP reply cannot tell, it takes those that failed into
//! [`Custody`](crate::storage::Custody).
//!
//! The final reply carries one for each recipient
//! ([`Reply::for_recipient`](crate::reply::Reply::for_recipient)), as its leg was answered. One that was
//! taken into custody has 250, since nobody else need do anything for it, and tells what its leg was
//! answered ([`InPlaceOf`](crate::reply::InPlaceOf)). Where custody could not be taken, that is the reply for
//! those who needed it, and for all where a client hears but one.
//!
//! A client that hears each recipient's reply by itself ([`HearsEach`](crate::signals::HearsEach)) is told
//! what failed, and nothing is taken into custody but what can succeed later, for a user's program.
//!
//! Another agent ([`ReplyPolicy::Ingress`]) whose message nobody has taken is told so: then nothing is
//! kept here, and nobody is notified, since reverse-paths are easily forged.
//!
//! A recipient that stands for others ([`Expansions`](crate::signals::Expansions)) is taken at once, and has a leg for each
//! of them. What fails of these is taken into custody, whatever becomes of the others: so each of them is a
//! transaction of its own from then on, with its own retries, and its failure is told to the sender of the message. A
//! transaction has no more than [`MEMBERS_MAX`] of them. They are asked when all recipients are known: who is named
//! himself has one copy, and what was asked for him then counts.
//!
//! What becomes of those for whom one recipient stands says nothing of that, where they are several. A sender that asks
//! to be told of its success is told that it was expanded ([`ExpansionNotices`](super::output_handler::ExpansionNotices)),
//! once all of them have the message or are in custody; nothing else is known by that recipient from then on.
//!
//! | it answers | when |
//! |---|---|
//! | [`Reply::sender_ok`](crate::reply::Reply::sender_ok) to MAIL | always |
//! | 250 to RCPT or to the message, in place of a leg's reply | its [`ReplyPolicy`] says so and custody was taken, or can be |
//! | the reply that stands for all refusals ([`Reply::standing_for`](crate::reply::Reply::standing_for)) | no recipient was accepted |
//! | [`Reply::too_many_recipients`](crate::reply::Reply::too_many_recipients) to RCPT | recipients stand for too many others |
//! | [`Reply::no_valid_recipients`](crate::reply::Reply::no_valid_recipients) | there was no recipient |
//! | [`Reply::local_error`](crate::reply::Reply::local_error), [`Reply::insufficient_storage`](crate::reply::Reply::insufficient_storage) | custody was needed and could not be taken |
//! | the legs' replies | otherwise |
//!
//! # Example
//!
//! ```
//! use koukan_core::{
//!     blob::{BlobPool, Limits},
//!     reply::Reply,
//!     stage::exploder::{Exploder, ReplyPolicy},
//!     test_util::{Script, mail, rcpt, send},
//! };
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let endpoint = Script::new().rcpt("bob@y", Reply::no_such_user());
//! let pool = BlobPool::in_memory(Limits::default());
//! let exploder = Exploder::new(endpoint.clone(), ReplyPolicy::Ingress, pool);
//! let outcome = send(exploder, mail("a@x"), [rcpt("bob@y"), rcpt("carol@z")], "\r\nhello\r\n").await;
//! assert_eq!(outcome.recipients[0], Reply::no_such_user());
//! assert!(outcome.message.unwrap().is_positive());
//! // A transaction for each.
//! assert_eq!(endpoint.received().len(), 2);
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod by_domain;
mod leg;
mod leg_channel;
mod legs;
mod members;
mod reduce;
mod seen;
mod service;

pub use self::{
    by_domain::ByDomain,
    legs::MEMBERS_MAX,
    reduce::{NotifyWhen, ReplyPolicy},
    service::Exploder,
};
