//! A mail transaction as a unary call: everything is known in advance, and all replies come at
//! once.
//!
//! [`Deliver`] has a [`Driver`](crate::transaction::Driver), and gives it all commands without waiting for replies in
//! between. Its request can be cloned, so `tower::retry`, `tower::hedge` and the like work on whole deliveries.
//!
//! They do not work on a [`MailService`](crate::service::MailService) itself: a
//! [`Transaction`](crate::transaction::Transaction) consists of streams that can be read only once, and is not
//! `Clone`. The compiler refuses a `Retry` around it whose policy could repeat a request.

mod layer;
mod outcome;
mod request;
mod service;

pub use self::{
    layer::DeliverLayer, outcome::DeliverOutcome, request::DeliverRequest, service::Deliver,
};
