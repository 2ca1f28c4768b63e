//! Webhooks: HTTP servers that are told of events, or are sent mail.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ByteSize, HumanDuration, Place};

/// An HTTP server that is told of events, in order and at least once, with signatures according to
/// standard-webhooks.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Webhook {
    /// Its name in logs and metrics. Its progress is stored under the name, so under another name
    /// it begins anew. At most 255 octets. Default: the URL, if that has at most 2,000.
    #[schemars(with = "Option<String>")]
    pub name: Option<Place<String>>,
    /// The URL that events are sent to.
    pub url: Place<String>,
    /// A file with the secret for signatures, in base64. With several secrets, one in each line, a
    /// request is signed with each. It is read again when it changes.
    #[schemars(with = "String")]
    pub secret_file: Place<PathBuf>,
    /// The types of events to send, as in `[delivered, failed]`, by their names in `/events`.
    /// Default: all.
    #[serde(default)]
    pub events: Vec<Place<String>>,
    /// The senders whose events to send. Default: all.
    #[serde(default)]
    pub senders: Vec<Place<String>>,
    /// How long it may accept nothing before it is given up. `koukan webhooks retry` makes the
    /// agent call it again. Default `3d`.
    pub give_up_after: Option<HumanDuration>,
}

/// An HTTP server that takes each message in one signed request, parsed, with its attachments.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MailWebhook {
    /// The URL that messages are sent to.
    pub url: Place<String>,
    /// A file with the secret for signatures, in base64. With several secrets, one in each line, a
    /// request is signed with each. It is read again when it changes.
    #[schemars(with = "String")]
    pub secret_file: Place<PathBuf>,
    /// A file with the trusted authorities' certificates, in PEM. Default: those that the system trusts.
    #[schemars(with = "Option<String>")]
    pub ca_file: Option<Place<PathBuf>>,
    /// The largest message that is sent; larger ones are refused with 552. Default `10MiB`.
    pub max_message_size: Option<ByteSize>,
    /// How long a request and its answer may take. Default `30s`.
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
