//! Properties that hold for any octets that strangers send: one for each kind of input.
//!
//! The fuzz targets look for octets that violate a property; the tests try the corpus, and
//! variations of it.

#![allow(
    clippy::panic,
    reason = "a property that does not hold is told by a panic"
)]

mod arc;
mod bdat;
mod command;
mod data;
mod downgrade;
mod mail_auth;
mod mailbox;
mod message_builder;
mod message_parser;
mod mta_sts;
#[allow(dead_code, reason = "tests of another crate use the rest")]
#[path = "../../koukan-smtp/tests/support/oracle.rs"]
mod oracle;
mod proxy_header;
mod reply;
mod sasl_client;
mod sasl_server;

/// A property: panics if the octets violate it.
pub type Property = fn(&[u8]);

/// All properties, by the name of their fuzz target and of their directory in the corpus.
pub const ALL: [(&str, Property); 17] = [
    ("arc_chain", arc::holds),
    ("dkim_key", mail_auth::dkim_key),
    ("dkim_signature", mail_auth::dkim_signature),
    ("dmarc_record", mail_auth::dmarc),
    ("mailbox", mailbox::holds),
    ("message_builder_spec", message_builder::holds),
    ("message_downgrade", downgrade::holds),
    ("message_parser", message_parser::holds),
    ("mta_sts", mta_sts::holds),
    ("proxy_header", proxy_header::holds),
    ("reply_parser", reply::holds),
    ("sasl_client", sasl_client::holds),
    ("sasl_server", sasl_server::holds),
    ("smtp_bdat", bdat::holds),
    ("smtp_command", command::holds),
    ("smtp_data", data::holds),
    ("spf_record", mail_auth::spf),
];

/// Checks the property with that name.
///
/// # Panics
///
/// If the octets violate it, or there is no property with that name.
pub fn check(name: &str, octets: &[u8]) {
    let found = ALL.iter().find(|(of, _)| *of == name);
    let Some((_, holds)) = found else {
        panic!("there is no property {name}");
    };
    holds(octets);
}
