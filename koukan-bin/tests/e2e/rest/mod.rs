//! The REST API. The same tests run with everything in one process, with HTTP within one process,
//! and with separate processes for router and gateway.

mod custody;
mod flows;
mod generated_clients;
mod large;
mod messages;
mod protocol;
mod python;
mod receiver;
mod schemathesis;
mod send;
mod setup;
mod shared;
mod stock;
