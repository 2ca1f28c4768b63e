//! The actors around the agent: servers, clients and operators.

pub(crate) mod destination;
mod lines;
pub(crate) mod message_client;
pub(crate) mod operator;
pub(crate) mod rest_client;
pub(crate) mod smtp_client;
pub(crate) mod subscriber;
