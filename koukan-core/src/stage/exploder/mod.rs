//! One leg for each recipient: the [`Exploder`].
//!
//! It answers MAIL itself, starts a transaction with one recipient for each RCPT through an inner service,
//! gives all of them the same message without a copy, and combines their final replies into one. A repeated
//! recipient uses its existing leg, unless that was refused, and so gets one copy; each RCPT is answered. If
//! some recipients have got the message and others have not, one SMTP reply cannot tell that: then the failed
//! ones are taken into [`Custody`](crate::storage::Custody).
//!
//! The final reply carries one for each recipient
//! ([`Reply::for_recipient`](crate::reply::Reply::for_recipient)), as its leg was answered. A recipient that
//! was taken into custody has 250, since nobody else has to do anything for it, and its original reply as
//! [`InPlaceOf`](crate::reply::InPlaceOf). If custody could not be taken, that failure is the reply for the
//! recipients that needed it, and for all where a client understands only one reply.
//!
//! A client that understands individual replies ([`HearsEach`](crate::signals::HearsEach)) is told of failures. Then
//! custody is taken only for transient failures, for users' programs.
//!
//! If nobody has accepted the message of another agent ([`ReplyPolicy::Ingress`]), that agent is told so. Nothing is
//! kept here, and nobody is notified, since reverse-paths are easily forged.
//!
//! A recipient that stands for others ([`Expansions`](crate::signals::Expansions)) is accepted at once, and has a leg
//! for each member. Failed members are taken into custody, whatever happens to the others. From then on each is a
//! transaction of its own with its own retries, and its failure is reported to the sender. A transaction has at most
//! [`MEMBERS_MAX`] members. Their legs start when all recipients are known: a member that is also named directly gets
//! one copy, and its own RCPT counts.
//!
//! The results of several members are no result for their alias. A sender that asks to be notified of its success is
//! notified that it was expanded ([`ExpansionNotices`](super::output_handler::ExpansionNotices)), once all members have
//! the message or are in custody. Nothing more is reported for the alias afterwards.
//!
//! Where the transaction is an attempt, its [message has left](crate::signals::Departure) once that of a leg has, or
//! once legs are taken into custody. Until then the attempt can be ended, and nothing of its legs is left. Where the
//! transaction is stored, its legs are in custody from the commit on with which the attempt ends: if that is not made,
//! since the process crashes or has lost the lease, nothing of them is left either.
//!
//! | it answers | when |
//! |---|---|
//! | [`Reply::sender_ok`](crate::reply::Reply::sender_ok) to MAIL | always |
//! | 250 to RCPT or to the message, in place of a leg's reply | its [`ReplyPolicy`] says so and custody was taken, or can be |
//! | the reply that stands for all refusals ([`Reply::standing_for`](crate::reply::Reply::standing_for)) | no recipient was accepted |
//! | [`Reply::too_many_recipients`](crate::reply::Reply::too_many_recipients) to RCPT | recipients have too many members |
//! | [`Reply::no_valid_recipients`](crate::reply::Reply::no_valid_recipients) | there was no recipient |
//! | [`Reply::local_error`](crate::reply::Reply::local_error), [`Reply::insufficient_storage`](crate::reply::Reply::insufficient_storage) | custody was needed and could not be taken |
//! | 451 4.4.2 | the attempt was cancelled when some recipients had the message, and custody was needed for others |
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
