//! Listeners, to which clients connect.

use std::{
    fmt,
    num::{NonZeroU32, NonZeroUsize},
};

use jiff::Timestamp;
use koukan_core::network::ListenAddress;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    ByteSize, Config, Endpoint, HumanDuration, ListenerAuth, ListenerTls, Place, Policy, Principal,
    TlsMode, UnixSocket,
};

/// A listener for SMTP clients.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SmtpListener {
    /// The address and port to listen on; or the path of a Unix socket, as in `unix:/run/koukan/smtp`; or the name of
    /// a socket that systemd hands over, as in `socket:smtp`.
    #[schemars(with = "String")]
    pub address: Place<ListenAddress>,
    /// Who may connect to a Unix socket.
    pub socket: Option<UnixSocket>,
    /// On whose behalf mail arrives: the name of a sender.
    pub sender: Place<String>,
    /// A tag of that sender.
    pub tag: Option<Place<String>>,
    /// Whether clients speak LMTP (RFC 2033): the message then gets a reply for each recipient. Not on port 25.
    /// Default `false`.
    #[schemars(with = "Option<bool>")]
    pub lmtp: Option<Place<bool>>,
    /// The largest message that is accepted. Default `50MiB`.
    pub max_message_size: Option<ByteSize>,
    /// The most recipients of one message. Default 1000.
    pub max_recipients: Option<NonZeroUsize>,
    /// The most different domains among the recipients of one message. Default: no limit.
    pub max_recipient_domains: Option<NonZeroUsize>,
    /// The most messages on one connection. Default 10000.
    pub max_messages_per_connection: Option<NonZeroU32>,
    /// The most connections in all; one client may have seven eighths of them. Default: 4096, or as many as file
    /// descriptors allow.
    pub max_connections: Option<NonZeroUsize>,
    /// The most connections of one client. Default 256.
    pub max_connections_per_client: Option<NonZeroUsize>,
    /// The most recipients on one connection that may be refused permanently, unless at least as many are accepted.
    /// This is a guard against clients that search for addresses. From a tenth of this number on, replies are
    /// delayed. Default 100.
    pub max_refused_recipients: Option<NonZeroU32>,
    /// The most errors of one client on all its connections in an hour: commands that are malformed or out of
    /// sequence, and recipients that are refused permanently, unless at least as many are accepted. An authenticated
    /// user may make ten times as many. From a tenth of this number on, replies are delayed; at this number the
    /// client is refused for half an hour. Default 1000; no limit if `clients` says who may connect.
    #[schemars(with = "Option<NonZeroU32>")]
    pub max_errors_per_client: Option<Place<NonZeroU32>>,
    /// How long a client may be silent between commands. Default `5m`.
    pub command_timeout: Option<HumanDuration>,
    /// How long a client must wait for the greeting, as in `3s`. A client that speaks earlier is refused; many
    /// programs that send unwanted mail do so. Default: the greeting comes at once.
    #[schemars(with = "Option<HumanDuration>")]
    pub greeting_delay: Option<Place<HumanDuration>>,
    /// Networks of proxies, as in `10.0.0.0/8`. A connection from there begins with a PROXY header, version 1 or 2,
    /// and the client is the one that the header names. A connection from elsewhere is the client's own. Default:
    /// none.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub proxy_networks: Vec<Place<String>>,
    /// Networks of proxies that name their client by XCLIENT, as Postfix and nginx do. What they say is believed.
    /// Default: none.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub xclient_networks: Vec<Place<String>>,
    /// Certificates for TLS. Default: no TLS.
    pub tls: Option<ListenerTls>,
    /// When TLS begins in a session. Default `offered`, if there are certificates.
    pub tls_mode: Option<Place<TlsMode>>,
    /// Users who may authenticate, by AUTH: over TLS; in clear only from this host. Default: nobody.
    pub auth: Option<ListenerAuth>,
    /// Networks of the clients that may connect, as in `192.0.2.0/24`; others are refused. Required if every client
    /// could otherwise send mail to anywhere. Default: everybody may connect.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub clients: Vec<Place<String>>,
    /// What to do with messages in which lines end with LF alone. Default: `normalise` where users' programs submit
    /// mail, which means that the sender's chain ends with an exploder with `policy: submission`; otherwise `reject`.
    pub bare_line_ends: Option<BareLineEnds>,
}

/// What to do with messages in which lines end with LF alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BareLineEnds {
    /// Refuse them: other systems may see two messages where this agent sees one.
    Reject,
    /// Change the line ends to CRLF. A message with a CR alone is still refused.
    Normalise,
}

impl SmtpListener {
    /// Whether clients speak LMTP.
    pub fn is_lmtp(&self) -> bool {
        self.lmtp.as_ref().is_some_and(|lmtp| lmtp.value)
    }

    /// On whose behalf mail arrives.
    pub fn principal(&self) -> Principal {
        Principal {
            sender: self.sender.clone(),
            tag: self.tag.clone(),
        }
    }

    /// What this listener does with messages in which lines end with LF alone, in that configuration.
    pub fn bare_line_ends(&self, config: &Config) -> BareLineEnds {
        let chain = config.chain_of(&self.principal().to_sender());
        let default = match chain.map(|chain| &chain.endpoint) {
            Some(Endpoint::Exploder(exploder)) if exploder.policy == Policy::Submission => {
                BareLineEnds::Normalise
            }
            _ => BareLineEnds::Reject,
        };
        self.bare_line_ends.unwrap_or(default)
    }
}

/// A listener for HTTP clients.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RestListener {
    /// The address and port to listen on; or the path of a Unix socket, as in `unix:/run/koukan/smtp`; or the name of
    /// a socket that systemd hands over, as in `socket:smtp`.
    #[schemars(with = "String")]
    pub address: Place<ListenAddress>,
    /// Who may connect to a Unix socket.
    pub socket: Option<UnixSocket>,
    /// Certificates; clients must then use HTTP over TLS. Default: HTTP in clear.
    pub tls: Option<ListenerTls>,
    /// The most connections in all; one client may have seven eighths of them. Default: 20000, or as many as file
    /// descriptors allow.
    pub max_connections: Option<NonZeroUsize>,
    /// The most connections of one client. Default: no further limit.
    pub max_connections_per_client: Option<NonZeroUsize>,
    /// Whether to offer the REST API, and not only `/healthz`, `/readyz` and `/metrics`. Default `true`.
    #[serde(default = "yes")]
    pub api: bool,
    /// The URL by which clients reach this listener, as in `https://mail.example.com`; locations begin with it.
    /// Default: the `Host` of the request, if that is a name of this listener or the address is `0.0.0.0` or `[::]`;
    /// otherwise the address.
    pub base_url: Option<Place<String>>,
    /// The URL by which other replicas of the agent, over the same database, reach this listener, as in
    /// `http://10.1.2.3:8000`. It must lead to this replica only. A name in braces is replaced by that environment
    /// variable, as in `http://{POD_IP}:8000`. If a request about what this replica works on arrives at another one,
    /// it is sent here with the client's token. Only one listener may have it. Default: the others answer from the
    /// database.
    #[schemars(with = "Option<String>")]
    pub session_url: Option<Place<String>>,
    /// Whether to always pass on requests about what another replica works on, instead of redirecting clients there,
    /// because clients cannot reach every replica. With tokens, requests are always passed on. Default `false`.
    #[serde(default)]
    pub session_proxy: bool,
    /// Further names by which clients reach this listener, beside `localhost`, its address and the host of `base_url`. Without
    /// tokens, requests for any other host are refused: a web site may have made a browser send them.
    #[serde(default)]
    pub host: Vec<Place<String>>,
    /// Who may use the API. Without any token everybody may, which is only allowed on a loopback address.
    #[serde(default)]
    pub token: Vec<Token>,
    /// Whether clients without a token are believed about SMTP sessions, because they are a gateway of this agent.
    /// Default `false`.
    #[serde(default)]
    pub trusted: bool,
    /// Web origins whose scripts may use the API, as in `https://app.example.com`. Default: none.
    #[serde(default)]
    pub cors_origin: Vec<Place<String>>,
}

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// Read transactions.
    Read,
    /// Create, read and cancel transactions.
    Submit,
    /// Also see the whole queue; only for a token without `sender`.
    Operate,
}

/// A bearer token.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Token {
    /// The name of the token in logs.
    pub name: Place<String>,
    /// The SHA-256 of the token, in hexadecimal. The token must have at least 128 random bits: `koukan token` makes one.
    pub sha256: Place<String>,
    /// The senders for which it may be used. Default: all.
    pub sender: Option<Vec<Place<String>>>,
    /// What it allows. Default `submit`.
    pub role: Option<Place<Role>>,
    /// Whether its owner is believed about SMTP sessions, because it is a gateway of this agent.
    #[serde(default)]
    pub trusted: bool,
    /// When it expires, as in `2027-01-01T00:00:00Z`. Default: never.
    #[schemars(with = "Option<String>")]
    pub expires: Option<Place<Timestamp>>,
}

/// Does not show the hash.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("name", &self.name.value)
            .field("sender", &self.sender)
            .field("role", &self.role)
            .field("trusted", &self.trusted)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::registry::Registry;

    use super::*;
    use BareLineEnds::{Normalise, Reject};

    fn config(text: &str) -> Config {
        Config::parse(Path::new("koukan.yaml"), text, &Registry::default()).unwrap()
    }

    #[test]
    fn lines_are_made_good_where_users_submit_mail_unless_the_listener_says_otherwise() {
        let local = include_str!("../../../config/local/koukan.yaml");
        let gateway = include_str!("../../../config/local/gateway.yaml");
        let choose = |text: &str, tag: &str, choice: &str| {
            let listener = format!("{tag} }}");
            assert!(text.contains(&listener));
            text.replace(&listener, &format!("{tag}, bare_line_ends: {choice} }}"))
        };
        for (text, expected) in [
            (local.to_owned(), [Reject, Normalise]),
            (choose(local, "smtp-mx", "normalise"), [Normalise; 2]),
            (choose(local, "smtp-msa", "reject"), [Reject; 2]),
            (gateway.to_owned(), [Reject, Normalise]),
        ] {
            let config = config(&text);
            let listeners = config.smtp_listener.iter();
            let chosen: Vec<_> = listeners.map(|one| one.bare_line_ends(&config)).collect();
            assert_eq!(chosen, expected);
        }
    }

    #[test]
    fn there_is_no_other_choice() {
        let text = include_str!("../../../config/local/gateway.yaml");
        let text = text.replace("bare_line_ends: normalise", "bare_line_ends: keep");
        let error = Config::parse(Path::new("x"), &text, &Registry::default()).unwrap_err();
        let told = error.to_string();
        assert!(
            told.contains("keep") && told.contains("normalise"),
            "{told}"
        );
    }
}
