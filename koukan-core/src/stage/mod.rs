//! The stages: tower services that take a transaction through the agent.
//!
//! | stage | is | does |
//! |---|---|---|
//! | [`exploder`] | a mail service | one leg for each recipient; fans the replies back in |
//! | [`storage_writer`] | a mail service | writes a transaction into storage as it arrives, answers with what comes back |
//! | [`output_handler`] | a service of leases | one attempt at one stored transaction |
//! | [`rest_handler`] | a resource service | the transaction as a resource, over storage |
//! | [`operator`] | a queue service | the queue as whoever operates the agent sees it |
//! | [`rest_endpoint`] | a mail service | delivers by way of a resource service |
//! | [`sharing`] | a layer around an endpoint | one transaction for all recipients of a message at one destination |
//! | [`hand_over`] | a layer around an endpoint | hands on to another chain of this agent |
//! | [`dispatcher`] | a loop | leases what is due, and calls the output handler |
//! | [`store_and_forward`] | a queue | most of these, put together |
//!
//! Each is generic over its neighbours and has no socket, SQL or HTTP in it.

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
