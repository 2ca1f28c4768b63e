//! The SMTP client against servers that follow scripts.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod content;
mod dialogue;
mod down;
mod downgrade;
mod dsn;
mod envelope;
mod exchanges;
mod failures;
mod guard;
mod held;
mod hosts;
mod identities;
mod limits;
mod lmtp;
mod mail_domains;
mod net;
mod network;
mod odd_servers;
mod order;
mod partings;
mod pool;
mod queued;
mod reads;
mod replicas;
mod room;
mod script;
mod sending;
mod sharing;
mod silent;
mod smtputf8;
mod sources;
mod tcp;
mod timeouts;
mod unix;
