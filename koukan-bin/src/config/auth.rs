//! Users who authenticate themselves.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{HumanDuration, KeepTime, Place, Principal, SmtpListener};

/// Users who may authenticate themselves at a listener.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ListenerAuth {
    /// A file with a line for each user, as `koukan passwd` prints it. It is read anew when it changes.
    #[schemars(with = "Option<String>")]
    pub password_file: Option<Place<PathBuf>>,
    /// An HTTP server that knows users, in place of a file.
    pub http: Option<HttpAuth>,
    /// Whether mail is taken from users alone; others hear 530. Default `false`.
    #[serde(default)]
    pub required: bool,
    /// Whether users may have messages sent later, by HOLDFOR and HOLDUNTIL (FUTURERELEASE, RFC 4865), up to
    /// `storage.max_send_at` from then. Their chain has to end in an exploder with `policy: submission`.
    /// Default `false`.
    pub future_release: Option<Place<bool>>,
    /// Whether clients without TLS may authenticate themselves as well: passwords cross the network in
    /// clear. Those on this host may anyway. Default `false`.
    pub clear: Option<Place<bool>>,
    /// On whose behalf users send mail: the name of a sender. Default: that of the listener.
    pub sender: Option<Place<String>>,
    /// One of that sender's tags.
    pub tag: Option<Place<String>>,
}

impl ListenerAuth {
    /// On whose behalf users send mail, where it is not that of the listener.
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
    /// All on whose behalf mail comes in: clients, and users where that is another.
    pub fn principals(&self) -> impl Iterator<Item = Principal> {
        let users = self.auth.as_ref().and_then(ListenerAuth::principal);
        [self.principal()].into_iter().chain(users)
    }
}

/// An HTTP server that is asked whether clients are who they say to be.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct HttpAuth {
    /// Its URL, of https, or of http on this host. It gets a POST of JSON with `user` and `password`, or with a
    /// `token`, and answers 200, 401, or anything else where it cannot tell.
    pub url: Place<String>,
    /// A file with the bearer token that it is shown.
    #[schemars(with = "Option<String>")]
    pub token_file: Option<Place<PathBuf>>,
    /// A file with the certificates of the authorities to be trusted, in PEM. Default: those that the system
    /// trusts.
    #[schemars(with = "Option<String>")]
    pub ca_file: Option<Place<PathBuf>>,
    /// How long its answer is waited for. Default `10s`.
    pub timeout: Option<HumanDuration>,
    /// How long it is not asked again about what was found good; with `0s` it is asked each time. Default `1m`.
    pub cache: Option<KeepTime>,
}

/// Who this agent says to be to SMTP servers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ClientAuth {
    /// The name of the user.
    pub user: Place<String>,
    /// A file that holds the password. It is read anew when it changes.
    #[schemars(with = "Option<String>")]
    pub password_file: Option<Place<PathBuf>>,
    /// A file that holds a token (OAUTHBEARER), likewise.
    #[schemars(with = "Option<String>")]
    pub token_file: Option<Place<PathBuf>>,
    /// Whether servers without TLS are shown it as well: it crosses the network in clear. Those on this
    /// host are anyway. Default `false`.
    #[serde(default)]
    pub clear: bool,
}

impl ClientAuth {
    /// The file of the password, or of the token.
    pub fn file(&self) -> Option<&Place<PathBuf>> {
        self.password_file.as_ref().or(self.token_file.as_ref())
    }
}
