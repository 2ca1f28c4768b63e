//! The client against HTTP peers: Python's, a TLS server, a receiver that follows the REST API exactly,
//! and the server of this crate.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod deliveries;
mod failures;
mod http_client;
mod network;
mod peer;
mod receiver;
mod redirects;
mod requests;
mod responses;
mod server;
mod tls;
mod tokens;
mod uploads;
