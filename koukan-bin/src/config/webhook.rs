//! Who is told of events.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ByteSize, HumanDuration, Place};

/// An HTTP server that is told of events, in order and at least once, with signatures as
/// standard-webhooks says.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Webhook {
    /// Its name in logs and metrics. How far it has come is kept by that: one of another name begins
    /// anew. Default: the URL.
    #[schemars(with = "Option<String>")]
    pub name: Option<Place<String>>,
    /// The URL that events are sent to.
    pub url: Place<String>,
    /// A file with the secret that requests are signed with, in base64; of several lines each. It is
    /// read anew when it changes.
    #[schemars(with = "String")]
    pub secret_file: Place<PathBuf>,
    /// The events that it is told of, as `/events` names them, as in `[delivered, failed]`. Default: all
    /// of them.
    #[serde(default)]
    pub events: Vec<Place<String>>,
    /// The senders of whose mail it is told. Default: all of them.
    #[serde(default)]
    pub senders: Vec<Place<String>>,
    /// For how long it is called that takes nothing: after that it is given up until somebody has it called
    /// again, by `koukan webhooks retry`. Default `3d`.
    pub give_up_after: Option<HumanDuration>,
}

/// An HTTP server that takes each message by one signed request, parsed and with its attachments.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MailWebhook {
    /// The URL that messages are sent to.
    pub url: Place<String>,
    /// A file with the secret that requests are signed with, in base64; of several lines each. It is
    /// read anew when it changes.
    #[schemars(with = "String")]
    pub secret_file: Place<PathBuf>,
    /// A file with the certificates of the authorities to be trusted, in PEM. Default: those that
    /// the system trusts.
    #[schemars(with = "Option<String>")]
    pub ca_file: Option<Place<PathBuf>>,
    /// Messages that are larger are refused with 552. Default `10MiB`.
    pub max_message_size: Option<ByteSize>,
    /// How long a request may take, with its answer. Default `30s`.
    pub timeout: Option<HumanDuration>,
}

impl Webhook {
    /// Its name in logs and metrics.
    pub fn name(&self) -> &str {
        self.name
            .as_ref()
            .map_or(&self.url.value, |name| &name.value)
    }
}
