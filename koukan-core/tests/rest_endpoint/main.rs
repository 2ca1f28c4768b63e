//! `RestEndpoint` over a resource service that keeps the contract and is controlled by the test.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod envelope;
mod failures;
mod fake;
mod final_replies;
mod handler;
mod hosts;
mod lifetime;
mod message;
mod ordinary;
mod originator;
mod parsed;
mod reads;
mod sharing;
