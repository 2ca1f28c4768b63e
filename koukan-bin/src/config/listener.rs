//! Where clients connect to.

use std::{net::SocketAddr, num::NonZeroUsize};

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
}
