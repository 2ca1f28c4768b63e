//! A mail transaction as a unary call: everything known up front, all replies at once.
//!
//! [`Deliver`] holds a [`Driver`](crate::transaction::Driver) and gives it all commands without
//! waiting for one reply before the next command. Its request can be cloned, so that
//! `tower::retry`, `tower::hedge` and the like work on whole deliveries.
//!
//! They do not work on a [`MailService`](crate::service::MailService) itself: a
//! [`Transaction`](crate::transaction::Transaction) is made of streams that are read once, and is not `Clone`, so the
//! compiler refuses a `Retry` around it whose policy could make a second one.

mod layer;
mod outcome;
mod request;
mod service;

pub use self::{
    layer::DeliverLayer, outcome::DeliverOutcome, request::DeliverRequest, service::Deliver,
};
