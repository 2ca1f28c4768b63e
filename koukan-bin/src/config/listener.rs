//! Where clients connect to.

use std::{net::SocketAddr, num::NonZeroUsize};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ByteSize, HumanDuration, Place};

/// Where SMTP clients connect to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SmtpListener {
    /// The address and port to listen on.
    #[schemars(with = "String")]
    pub address: Place<SocketAddr>,
    /// On whose behalf mail comes in: the name of a sender.
    pub sender: Place<String>,
    /// One of the sender's tags.
    pub tag: Option<Place<String>>,
    /// The largest message that is taken. Default `50MiB`.
    pub max_message_size: Option<ByteSize>,
    /// Recipients of one message, at most. Default 1000.
    pub max_recipients: Option<NonZeroUsize>,
    /// Connections in all, at most. Default 4096.
    pub max_connections: Option<NonZeroUsize>,
    /// Connections of one client, at most. Default 256.
    pub max_connections_per_client: Option<NonZeroUsize>,
    /// How long a client may be silent between commands. Default `5m`.
    pub command_timeout: Option<HumanDuration>,
}

/// Where HTTP clients connect to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestListener {
    /// The address and port to listen on.
    #[schemars(with = "String")]
    pub address: Place<SocketAddr>,
    /// Whether the REST API is served, and not only `/healthz` and `/readyz`. Default `true`.
    #[serde(default = "yes")]
    pub api: bool,
    /// The URL by which clients reach this listener, as in `https://mail.example.com`; locations
    /// are told with it. Default: what the request's `Host` says.
    pub base_url: Option<String>,
    /// Who may use the API. Without any, everybody may: on a loopback address only.
    #[serde(default)]
    pub token: Vec<Token>,
    /// Whether clients without a token are believed what they say of SMTP sessions: a gateway of
    /// this agent. Default `false`.
    #[serde(default)]
    pub trusted: bool,
    /// Web origins whose scripts may use the API. Default: none.
    #[serde(default)]
    pub cors_origin: Vec<String>,
}

/// A bearer token.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// What it is called in logs.
    pub name: String,
    /// SHA-256 of the token, in hexadecimal. The token must have 128 random bits at least:
    /// `koukan token` makes one.
    pub sha256: Place<String>,
    /// The senders that it may be used for. Default: all.
    pub sender: Option<Vec<Place<String>>>,
    /// Whether who has it is believed what it says of SMTP sessions: a gateway of this agent.
    #[serde(default)]
    pub trusted: bool,
    /// Until when it is valid, as in `2027-01-01T00:00:00Z`. Default: for ever.
    #[schemars(with = "Option<String>")]
    pub expires: Option<Timestamp>,
}

fn yes() -> bool {
    true
}
