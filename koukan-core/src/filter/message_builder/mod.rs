//! Renders a message that is given as a description, at this place of the chain.
//!
//! A body that is a [`Composition`](crate::message::builder::Composition) goes on as the octets of
//! the message, so that filters and endpoints after this one see what is sent; without the filter
//! the endpoint renders it. Any other body passes untouched, a blob as the blob that it is.
//!
//! *Phases*: the body. Nothing is held: parts are encoded as they are read, also while they are
//! still uploaded.
//!
//! *Signals*: none.
//!
//! | reply | when |
//! |---|---|
//! | [`Reply::message_too_big`](crate::reply::Reply::message_too_big) to the message | the rendered message has more than the allowed number of octets |
//! | [`Reply::bad_content`](crate::reply::Reply::bad_content) to the message | an attached message cannot be one; see [`builder`](crate::message::builder) |

mod layer;
mod service;

pub use self::{layer::MessageBuilderLayer, service::MessageBuilder};
