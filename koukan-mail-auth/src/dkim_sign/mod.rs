//! Signs messages on behalf of their authors' domains (DKIM).
//!
//! Whoever reads the message can tell by the keys in the domain's DNS that the domain answers for it, and
//! that nobody has changed it since. One `DKIM-Signature` field is added for each [`Key`] whose domain is
//! that of the author, so that one message may have an RSA and an Ed25519 signature. A message without
//! such an author, without a `From` field, or with several of them passes unsigned.
//!
//! The signature tells the time at which it was made, so a message that is signed twice has two
//! signatures: this filter stands before the Exploder, in whose legs it is one message still. It stands
//! behind all that changes what is signed.
//!
//! *Phases*: the message. It goes on once all of it has come, since the signature stands at its top; until
//! then it is kept in a blob, and only its header section in memory.
//!
//! *Signals*: none.
//!
//! | reply | when |
//! |---|---|
//! | [`Reply::insufficient_storage`](koukan_core::reply::Reply::insufficient_storage), at the end | there is no room for the message |
//! | [`Reply::message_too_big`](koukan_core::reply::Reply::message_too_big), at the end | its header section is longer than [`HEADER_MAX`](crate::dkim::HEADER_MAX) |
//! | [`Reply::local_error`](koukan_core::reply::Reply::local_error), at the end | a key cannot sign |
//!
//! *Source*: RFC 6376, RFC 8463.

mod key;
mod layer;
mod service;

pub use self::{
    key::{Key, SharedKey},
    layer::{Author, DkimSignLayer},
    service::DkimSign,
};
