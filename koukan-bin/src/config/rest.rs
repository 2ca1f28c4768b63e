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
    /// The largest message that is accepted. Default `50MiB`.
    pub max_message_size: Option<ByteSize>,
    /// The most recipients of one transaction. Default 1000.
    pub max_recipients: Option<NonZeroUsize>,
    /// The most transactions that clients may create and wait for at the same time. Default 10000.
    pub max_in_flight: Option<NonZeroUsize>,
    /// The most transactions of one sender whose message is still to be uploaded; further creates
    /// are refused with 429. Default 1000.
    pub max_unfinished_uploads: Option<NonZeroUsize>,
    /// The longest time for which a response is held back until something changes. Default `30s`.
    pub max_wait: Option<HumanDuration>,
    /// How long a transaction that is created step by step is kept without any change or heartbeat.
    /// Default `2m`.
    pub downstream_timeout: Option<HumanDuration>,
    /// How long the message of any other transaction may take to arrive. Default `1d`.
    pub upload_timeout: Option<HumanDuration>,
}
