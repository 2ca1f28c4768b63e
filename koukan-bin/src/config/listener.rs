//! Where clients connect to.

use std::num::{NonZeroU32, NonZeroUsize};

use jiff::Timestamp;
use koukan_core::network::ListenAddress;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    ByteSize, Config, Endpoint, HumanDuration, ListenerAuth, ListenerTls, Place, Policy, Principal,
    TlsMode, UnixSocket,
};

/// Where SMTP clients connect to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SmtpListener {
    /// The address and port to listen on, the path of a Unix socket, as in `unix:/run/koukan/smtp`, or the name of a
    /// socket that systemd hands over, as in `socket:smtp`.
    #[schemars(with = "String")]
    pub address: Place<ListenAddress>,
    /// Who may connect to a Unix socket.
    pub socket: Option<UnixSocket>,
    /// On whose behalf mail comes in: the name of a sender.
    pub sender: Place<String>,
    /// One of the sender's tags.
    pub tag: Option<Place<String>>,
    /// Whether clients speak LMTP (RFC 2033): each recipient has a reply of its own to the message. Not on
    /// port 25. Default `false`.
    #[schemars(with = "Option<bool>")]
    pub lmtp: Option<Place<bool>>,
    /// The largest message that is taken. Default `50MiB`.
    pub max_message_size: Option<ByteSize>,
    /// Recipients of one message, at most. Default 1000.
    pub max_recipients: Option<NonZeroUsize>,
    /// Different domains of the recipients of one message, at most. Default: no limit.
    pub max_recipient_domains: Option<NonZeroUsize>,
    /// Messages on one connection, at most. Default 10000.
    pub max_messages_per_connection: Option<NonZeroU32>,
    /// Connections in all, at most; one client gets seven eighths of them. Default: 4096, or as many
    /// as file descriptors allow.
    pub max_connections: Option<NonZeroUsize>,
    /// Connections of one client, at most. Default 256.
    pub max_connections_per_client: Option<NonZeroUsize>,
    /// Recipients on one connection that are refused for good, at most, unless as many are accepted:
    /// against clients that look for addresses. From a tenth of these on replies are slow.
    /// Default 100.
    pub max_refused_recipients: Option<NonZeroU32>,
    /// Errors of one client on all its connections in an hour, at most: commands that are malformed or out of
    /// sequence, and recipients that are refused for good, unless as many are accepted. A user who has said who he is
    /// may make ten times as many. From a tenth of these on replies are slow; with as many the client is refused for
    /// half an hour. Default 1000, and no limit where `clients` names who may connect.
    #[schemars(with = "Option<NonZeroU32>")]
    pub max_errors_per_client: Option<Place<NonZeroU32>>,
    /// How long a client may be silent between commands. Default `5m`.
    pub command_timeout: Option<HumanDuration>,
    /// How long a client waits for the greeting, as in `3s`: one that speaks before is refused, as many programs are that
    /// send unwanted mail. Default: it does not wait, and may speak.
    #[schemars(with = "Option<HumanDuration>")]
    pub greeting_delay: Option<Place<HumanDuration>>,
    /// Networks of proxies, as in `10.0.0.0/8`: a connection from there begins with a PROXY header,
    /// version 1 or 2, and its client is who that names. Connections from elsewhere are clients' own.
    /// Default: none.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub proxy_networks: Vec<Place<String>>,
    /// Networks of proxies that say by XCLIENT who their client is, as Postfix and nginx do: who connects
    /// from there is believed. Default: none.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub xclient_networks: Vec<Place<String>>,
    /// Certificates, so that clients can have TLS. Default: they cannot.
    pub tls: Option<ListenerTls>,
    /// From when on sessions have TLS. Default `offered`, where there are certificates.
    pub tls_mode: Option<Place<TlsMode>>,
    /// Users who may say who they are, by AUTH: over TLS, and in clear from this host alone. Default: nobody.
    pub auth: Option<ListenerAuth>,
    /// Networks of the clients that may connect, as in `192.0.2.0/24`; others are refused. It must be
    /// there where whoever connects could send mail to anywhere. Default: everybody may connect.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub clients: Vec<Place<String>>,
    /// What becomes of messages in which lines end with LF alone. Default: `normalise` where users'
    /// programs submit mail, that is, where the sender's chain ends in an exploder with `policy:
    /// submission`; `reject` elsewhere.
    pub bare_line_ends: Option<BareLineEnds>,
}

/// What becomes of messages in which lines end with LF alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BareLineEnds {
    /// They are refused: what is one message to this agent may be two to another.
    Reject,
    /// Lines end with CRLF from here on. A message with a CR alone is refused all the same.
    Normalise,
}

impl SmtpListener {
    /// Whether clients speak LMTP.
    pub fn is_lmtp(&self) -> bool {
        self.lmtp.as_ref().is_some_and(|lmtp| lmtp.value)
    }

    /// On whose behalf mail comes in.
    pub fn principal(&self) -> Principal {
        Principal {
            sender: self.sender.clone(),
            tag: self.tag.clone(),
        }
    }

    /// What becomes of messages in which lines end with LF alone, in that configuration.
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

/// Where HTTP clients connect to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RestListener {
    /// The address and port to listen on, the path of a Unix socket, as in `unix:/run/koukan/smtp`, or the name of a
    /// socket that systemd hands over, as in `socket:smtp`.
    #[schemars(with = "String")]
    pub address: Place<ListenAddress>,
    /// Who may connect to a Unix socket.
    pub socket: Option<UnixSocket>,
    /// Certificates: clients speak HTTP over TLS, and only that. Default: HTTP in clear.
    pub tls: Option<ListenerTls>,
    /// Connections in all, at most; one client gets seven eighths of them. Default: 20000, or as many
    /// as file descriptors allow.
    pub max_connections: Option<NonZeroUsize>,
    /// Connections of one client, at most. Default: none but that.
    pub max_connections_per_client: Option<NonZeroUsize>,
    /// Whether the REST API is served, and not only `/healthz`, `/readyz` and `/metrics`. Default `true`.
    #[serde(default = "yes")]
    pub api: bool,
    /// The URL by which clients reach this listener, as in `https://mail.example.com`; locations
    /// are told with it. Default: what the request's `Host` says, where that is a name of this
    /// listener or the address is `0.0.0.0` or `[::]`, else the address.
    pub base_url: Option<Place<String>>,
    /// The URL by which other replicas of the agent over the same database reach this listener, and nobody else, as
    /// in `http://10.1.2.3:8000`; a name in braces is that of an environment variable, as in
    /// `http://{POD_IP}:8000`. Requests for what this replica works on that come to another are sent here, with the
    /// token of the client. At one listener at most. Default: others answer by what is in the database.
    #[schemars(with = "Option<String>")]
    pub session_url: Option<Place<String>>,
    /// Whether requests for what another replica works on are always passed on, and clients are never told to ask
    /// there: they cannot reach each replica. With tokens it is always so. Default `false`.
    #[serde(default)]
    pub session_proxy: bool,
    /// Names by which clients reach this listener, beside `localhost`, its address and the host of
    /// `base_url`. Without tokens, requests for any other host are refused: a web site may have made
    /// a browser send them.
    #[serde(default)]
    pub host: Vec<Place<String>>,
    /// Who may use the API. Without any, everybody may: on a loopback address only.
    #[serde(default)]
    pub token: Vec<Token>,
    /// Whether clients without a token are believed what they say of SMTP sessions: a gateway of
    /// this agent. Default `false`.
    #[serde(default)]
    pub trusted: bool,
    /// Web origins whose scripts may use the API, each by its name as in `https://app.example.com`.
    /// Default: none.
    #[serde(default)]
    pub cors_origin: Vec<Place<String>>,
}

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// To read transactions.
    Read,
    /// To make, read and cancel transactions.
    Submit,
    /// To see all of the queue, too; for a token that has no `sender`.
    Operate,
}

/// A bearer token.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Token {
    /// What it is called in logs.
    pub name: Place<String>,
    /// SHA-256 of the token, in hexadecimal. The token must have 128 random bits at least:
    /// `koukan token` makes one.
    pub sha256: Place<String>,
    /// The senders that it may be used for. Default: all.
    pub sender: Option<Vec<Place<String>>>,
    /// What it may be used for. Default `submit`.
    pub role: Option<Place<Role>>,
    /// Whether who has it is believed what it says of SMTP sessions: a gateway of this agent.
    #[serde(default)]
    pub trusted: bool,
    /// Until when it is valid, as in `2027-01-01T00:00:00Z`. Default: for ever.
    #[schemars(with = "Option<String>")]
    pub expires: Option<Place<Timestamp>>,
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
