//! Users who may authenticate.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{HumanDuration, KeepTime, Place, Principal, SmtpListener};

/// Users who may authenticate at a listener.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ListenerAuth {
    /// A file with a line for each user, as `koukan passwd` prints it. It is read again when it changes.
    #[schemars(with = "Option<String>")]
    pub password_file: Option<Place<PathBuf>>,
    /// An HTTP server that knows the users, instead of a file.
    pub http: Option<HttpAuth>,
    /// Whether only authenticated users may send mail; others get 530. Default `false`.
    #[serde(default)]
    pub required: bool,
    /// Whether users may have messages sent later, with HOLDFOR and HOLDUNTIL (FUTURERELEASE, RFC 4865), at most
    /// `storage.max_send_at` from then. Their chain has to end with an exploder with `policy: submission`. Default `false`.
    pub future_release: Option<Place<bool>>,
    /// Whether clients without TLS may authenticate too: passwords then cross the network in clear. Clients on this
    /// host always may. Default `false`.
    pub clear: Option<Place<bool>>,
    /// On whose behalf users send mail: the name of a sender. Default: the listener's sender.
    pub sender: Option<Place<String>>,
    /// A tag of that sender.
    pub tag: Option<Place<String>>,
}

impl ListenerAuth {
    /// On whose behalf users send mail, if it differs from the listener's.
    pub fn principal(&self) -> Option<Principal> {
        Some(Principal {
            sender: self.sender.clone()?,
            tag: self.tag.clone(),
        })
    }

    /// Whether users may have messages sent later.
    pub fn has_future_release(&self) -> bool {
        let place = self.future_release.as_ref();
        place.is_some_and(|place| place.value)
    }

    /// Whether passwords may cross the network in clear.
    pub fn is_clear(&self) -> bool {
        self.clear.as_ref().is_some_and(|clear| clear.value)
    }
}

impl SmtpListener {
    /// All on whose behalf mail arrives: clients, and users if they differ.
    pub fn principals(&self) -> impl Iterator<Item = Principal> {
        let users = self.auth.as_ref().and_then(ListenerAuth::principal);
        [self.principal()].into_iter().chain(users)
    }
}

/// An HTTP server that decides whether clients are who they claim to be.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct HttpAuth {
    /// Its URL: https, or http on this host. It gets a POST of JSON with `user` and `password`, or with a `token`. It
    /// answers 200 for yes and 401 for no; any other answer means that it cannot tell.
    pub url: Place<String>,
    /// A file with the bearer token to send to it.
    #[schemars(with = "Option<String>")]
    pub token_file: Option<Place<PathBuf>>,
    /// A file with the trusted authorities' certificates, in PEM. Default: those that the system trusts.
    #[schemars(with = "Option<String>")]
    pub ca_file: Option<Place<PathBuf>>,
    /// How long to wait for its answer. Default `10s`.
    pub timeout: Option<HumanDuration>,
    /// How long a positive answer is remembered; with `0s` the server is asked each time. Default `1m`.
    pub cache: Option<KeepTime>,
}

/// The credentials that this agent uses with SMTP servers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ClientAuth {
    /// The name of the user.
    pub user: Place<String>,
    /// A file with the password. It is read again when it changes.
    #[schemars(with = "Option<String>")]
    pub password_file: Option<Place<PathBuf>>,
    /// A file with a token (OAUTHBEARER), instead. It is read again when it changes.
    #[schemars(with = "Option<String>")]
    pub token_file: Option<Place<PathBuf>>,
    /// Whether to authenticate to servers without TLS too: the secret then crosses the network in clear. For servers
    /// on this host this is always done. Default `false`.
    #[serde(default)]
    pub clear: bool,
}

impl ClientAuth {
    /// The file with the password or the token.
    pub fn file(&self) -> Option<&Place<PathBuf>> {
        self.password_file.as_ref().or(self.token_file.as_ref())
    }
}
