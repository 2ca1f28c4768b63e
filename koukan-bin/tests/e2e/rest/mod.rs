//! The REST API: the same tests with all in one process, with HTTP within that, and with router and
//! gateway apart.

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
