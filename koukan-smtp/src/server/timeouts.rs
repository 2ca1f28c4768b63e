//! How long the server waits for a client, and for who is asked about it.

use std::time::Duration;

/// How long the server waits for a client, phase by phase; one that takes longer gets 421 where
/// nothing else is said.
///
/// Time that passes while a reply from upstream is awaited does not count but for
/// [`ServerTimeouts::session`]; bound it with a timeout layer on the service.
///
/// *Source*: RFC 5321 section 4.5.3.2.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerTimeouts {
    /// For the header of a proxy; a connection without it by then is closed. Default 5 seconds.
    pub proxy_header: Duration,
    /// For the handshake where sessions begin with TLS; a connection without it by then is closed.
    /// After STARTTLS, [`ServerTimeouts::command`] holds. Default 30 seconds.
    pub handshake: Duration,
    /// For a client to be silent after it has connected, until it is greeted; one that speaks before hears 554 and is
    /// gone, as programs are that send unwanted mail and do not listen. Clients wait for 5 minutes (RFC 5321 section
    /// 4.5.3.2.1), some for less. Who may speak for others by XCLIENT does not wait. Default: none.
    pub greeting_delay: Duration,
    /// For the [`Greeter`](super::Greeter) to answer; without an answer by then the client is refused
    /// with 451, or 421 in place of the greeting. Default 1 minute.
    ///
    /// As long may an [`Authenticator`](super::Authenticator) take; without an answer the client gets 454.
    pub greeter: Duration,
    /// For the next command. Default 5 minutes (RFC 5321 section 4.5.3.2.7).
    pub command: Duration,
    /// For the next octets of a message. Default 3 minutes (RFC 5321 section 4.5.3.2.5).
    pub data_block: Duration,
    /// For a message, on top of what its size allows at
    /// [`Limits::data_rate`](super::Limits::data_rate). Default 1 minute.
    pub data_grace: Duration,
    /// For the client to take replies off the wire; a client that does not is dropped without
    /// another. Default 2 minutes.
    pub write: Duration,
    /// For the whole session, looked at whenever the client is waited for. Default 2 hours.
    pub session: Duration,
    /// After the server was told to stop, for the next command of a transaction that is under way,
    /// and for the next octets of its message. Default 5 seconds.
    pub stopping: Duration,
    /// After the server was told to stop, for the transactions that are under way. Default 30
    /// seconds.
    pub drain: Duration,
}

impl Default for ServerTimeouts {
    fn default() -> Self {
        Self {
            proxy_header: Duration::from_secs(5),
            handshake: Duration::from_secs(30),
            greeting_delay: Duration::ZERO,
            greeter: Duration::from_secs(60),
            command: Duration::from_secs(5 * 60),
            data_block: Duration::from_secs(3 * 60),
            data_grace: Duration::from_secs(60),
            write: Duration::from_secs(2 * 60),
            session: Duration::from_secs(2 * 60 * 60),
            stopping: Duration::from_secs(5),
            drain: Duration::from_secs(30),
        }
    }
}

setters! {
    ServerTimeouts {
        with_proxy_header: proxy_header: Duration,
        with_handshake: handshake: Duration,
        with_greeting_delay: greeting_delay: Duration,
        with_greeter: greeter: Duration,
        with_command: command: Duration,
        with_data_block: data_block: Duration,
        with_data_grace: data_grace: Duration,
        with_write: write: Duration,
        with_session: session: Duration,
        with_stopping: stopping: Duration,
        with_drain: drain: Duration,
    }
}
