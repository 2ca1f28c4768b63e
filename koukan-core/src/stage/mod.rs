//! The stages: tower services that take a transaction through the agent.
//!
//! | stage | is | task |
//! |---|---|---|
//! | [`exploder`] | a mail service | makes one leg for each recipient, and combines the replies |
//! | [`storage_writer`] | a mail service | writes a transaction into storage as it arrives, and answers with the replies that come back |
//! | [`output_handler`] | a service of leases | makes one attempt at one stored transaction |
//! | [`rest_handler`] | a resource service | the transaction as a resource, over storage |
//! | [`operator`] | a queue service | the queue for operators |
//! | [`rest_endpoint`] | a mail service | delivers through a resource service |
//! | [`sharing`] | a layer around an endpoint | makes one transaction for all recipients of a message at one destination |
//! | [`hand_over`] | a layer around an endpoint | hands transactions over to another chain of this agent |
//! | [`dispatcher`] | a loop | leases due transactions, and calls the output handler |
//! | [`store_and_forward`] | a queue | combines most of these |
//!
//! Each is generic over its neighbours, and contains no socket, SQL or HTTP.

pub mod dispatcher;
pub mod event_reader;
pub mod exploder;
pub mod hand_over;
pub mod operator;
pub mod output_handler;
pub mod rest_endpoint;
pub mod rest_handler;
pub mod sharing;
pub mod storage_writer;
pub mod store_and_forward;

pub(crate) mod reading;
