//! Writes a transaction into storage as it arrives: the [`StorageWriter`].
//!
//! It hands the transaction to the output side at once, and answers each command with the reply
//! that comes back. It commits nothing by itself: a negative reply carries a
//! [`Custody`](crate::storage::Custody) by which whoever gets it can.
//!
//! | it answers | when |
//! |---|---|
//! | what upstream replies | it replies in time |
//! | [`Reply::destination_timeout`](crate::reply::Reply::destination_timeout) to MAIL or RCPT, with custody | it does not; the attempt goes on |
//! | [`Reply::elapsed`](crate::reply::Reply::elapsed) to the message, with custody | likewise |
//! | [`Reply::insufficient_storage`](crate::reply::Reply::insufficient_storage) | memory or disk is short |

mod direct;
mod replies;
mod service;
mod writing;

pub use self::service::{StorageWriter, Timeouts};
