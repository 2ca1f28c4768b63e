//! Mistakes in a configuration are reported in plain words, with their place and what to change.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod all_at_once;
mod auth;
mod cannot_work;
mod copies;
mod destinations;
mod filters;
mod limits;
mod listeners;
mod lmtp;
mod long_names;
#[cfg(feature = "mail-auth")]
mod mail_auth;
mod names_of_hosts;
mod no_use;
mod notification;
mod pipes;
mod policies;
mod policies_in_place;
mod recipient_verification;
mod replicas;
mod routers;
#[cfg(feature = "scan")]
mod scan;
mod send_as;
mod source_addresses;
mod template;
mod tls;
mod tls_mode;
mod unknown_names;
mod values;
mod webhooks;
mod yaml;

use std::path::Path;

use koukan::{
    config::{Config, ConfigWarnings},
    registry::Registry,
};

const LOCAL: &str = include_str!("../../../config/local/koukan.yaml");

/// Words of libraries, which are for programmers.
const FOREIGN: &[&str] = &[
    "Option<",
    "DuplicateKey",
    "from_str",
    "mapping start",
    "sequence start",
    "scalar",
    "struct ",
    "u64",
    "u32",
    "usize",
    "variant",
    "deserialize",
    "enum",
    "invalid type",
    "invalid value",
    "null into",
];

fn check(text: &str) -> Result<ConfigWarnings, String> {
    let parsed = Config::parse_with_warnings(Path::new("k.yaml"), text, &Registry::default());
    parsed
        .map(|(_, warnings)| warnings)
        .map_err(|error| error.to_string())
}

/// The local configuration with one place changed.
fn changed(from: &str, to: &str) -> String {
    assert!(LOCAL.contains(from), "{from}");
    LOCAL.replacen(from, to, 1)
}

/// The number of the line with that part of the text, from 1.
fn line_of(text: &str, part: &str) -> usize {
    let before = text.split(part).next().unwrap();
    before.matches('\n').count() + 1
}

/// A mistake: the text that is changed, its replacement, the part of the replacement in whose line
/// the mistake is reported, and the words of the report.
type Mistake<'a> = (&'a str, &'a str, &'a str, &'a [&'a str]);

#[track_caller]
fn told(mistakes: &[Mistake<'_>]) {
    let mut wrong = Vec::new();
    for (from, to, at, words) in mistakes {
        let text = changed(from, to);
        let told = match check(&text) {
            Ok(warnings) => format!("nothing but {warnings}"),
            Err(told) => told,
        };
        let place = match *at {
            "" => "k.yaml: ".to_owned(),
            at => format!("k.yaml:{}:", line_of(&text, at)),
        };
        let first = told.lines().next().unwrap_or_default();
        let is_told = first.starts_with(&place) && words.iter().all(|word| told.contains(word));
        let is_foreign = FOREIGN.iter().any(|word| told.contains(word));
        if !is_told || is_foreign {
            wrong.push(format!("{to:?}: {place} {words:?} is not in\n{told}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const HOSTNAME: &str = "hostname: koukan.localdomain\n";
const SUBMISSION: &str = "      exploder: { policy: submission, sender: outgoing }\n";
const INGRESS: &str = "address: \"127.0.0.1:1025\"";
const BUILDER: &str = "      - message_builder\n";
const HOSTS: &str = "static_hosts: [\"127.0.0.1:3025\"]";
const DOMAINS: &str = "address_list: { domains: [example.com] }";
const API: &str = "- { address: \"127.0.0.1:8000\" }";
