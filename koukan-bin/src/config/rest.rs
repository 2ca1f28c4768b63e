//! The REST API.

use std::num::NonZeroUsize;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ByteSize, HumanDuration};

/// Limits of the REST API.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RestApi {
    /// The largest message that is taken. Default `50MiB`.
    pub max_message_size: Option<ByteSize>,
    /// Recipients of one transaction, at most. Default 1000.
    pub max_recipients: Option<NonZeroUsize>,
    /// Transactions that clients make and watch at the same time, at most. Default 10000.
    pub max_in_flight: Option<NonZeroUsize>,
    /// Transactions of one sender whose message is still to be uploaded, at most; beyond that creates
    /// are refused with 429. Default 1000.
    pub max_unfinished_uploads: Option<NonZeroUsize>,
    /// The longest that a request is held back for a change. Default `30s`.
    pub max_wait: Option<HumanDuration>,
    /// How long a transaction that is made step by step lives without change or heartbeat.
    /// Default `2m`.
    pub downstream_timeout: Option<HumanDuration>,
    /// How long the message of any other transaction may take to come. Default `1d`.
    pub upload_timeout: Option<HumanDuration>,
}
