//! The server, through its router and over TCP.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod agent;
mod attempts;
mod auth;
mod broken_off;
mod events;
mod explain;
mod headers;
mod json;
mod layers;
mod messages;
mod queue;
mod refusals;
mod replicas;
mod routes;
mod shares;
mod sound;
mod stopping;
mod support;
mod suppressions;
mod tcp;
mod tls;
mod unread;
mod uploads;
mod webhooks;
