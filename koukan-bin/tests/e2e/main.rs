//! The real binary between real peers: swaks, openssl, curl, Python's smtplib and aiosmtpd, msmtp, nodemailer,
//! unbound, Postfix and its smtp-source and smtp-sink, Exim, Dovecot, and `koukan sink`.
//!
//! `scripts/install-test-peers` installs what these need.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod agent;
mod aliases;
mod auth;
mod bans;
mod budget;
mod choices;
mod client;
mod client_certificates;
mod collector;
mod copies;
mod crash;
mod dane;
mod database_lost;
mod descriptors;
mod destinations;
mod disk_full;
mod early_talkers;
mod events;
mod examples;
mod explain;
mod hand_over;
mod handed_over;
mod host;
mod hostile;
mod http;
mod http_users;
mod kept_signatures;
mod lmtp;
mod loops;
mod mail_auth;
mod memory;
mod metrics;
mod moving;
mod notifications;
mod orders;
mod peers;
mod policies;
mod postgres;
mod process;
mod proxied;
mod queue;
mod renewal;
mod replicas;
mod replies;
mod requiretls;
mod rest;
mod rolling;
mod scanners;
mod sending_as;
mod silent_database;
mod smtp_source;
mod smtplib;
mod stop;
mod strangers;
mod suppressions;
mod swaks;
mod take_over;
mod tls;
mod unix_sockets;
mod webhooks;
