//! How long the server waits for a client, and for those who decide about it.

use std::time::Duration;

/// How long the server waits for a client, by phase. A client that takes longer gets 421 unless stated otherwise.
///
/// Time spent waiting for a reply from upstream counts only towards [`ServerTimeouts::session`]; use a timeout layer
/// on the service to limit it.
///
/// *Source*: RFC 5321 section 4.5.3.2.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerTimeouts {
    /// For the header of a proxy; without one by then the connection is closed. Default 5 seconds.
    pub proxy_header: Duration,
    /// For the handshake where sessions begin with TLS; without one by then the connection is closed. After STARTTLS,
    /// [`ServerTimeouts::command`] applies. Default 30 seconds.
    pub handshake: Duration,
    /// How long a client must be silent after it has connected, until it is greeted. One that speaks earlier gets 554
    /// and is disconnected; some programs that send unwanted mail do so. Clients wait for 5 minutes (RFC 5321 section
    /// 4.5.3.2.1), some for less. Clients that may use XCLIENT do not wait. Default: none.
    pub greeting_delay: Duration,
    /// For the [`Greeter`](super::Greeter) to answer; without an answer by then the client is refused with 451, or
    /// 421 in place of the greeting. Default 1 minute.
    ///
    /// An [`Authenticator`](super::Authenticator) may take as long; without an answer by then the client gets 454.
    pub greeter: Duration,
    /// For the next command. Default 5 minutes (RFC 5321 section 4.5.3.2.7).
    pub command: Duration,
    /// For the next octets of a message. Default 3 minutes (RFC 5321 section 4.5.3.2.5).
    pub data_block: Duration,
    /// For a message, in addition to the time that its size takes at [`Limits::data_rate`](super::Limits::data_rate).
    /// Default 4 minutes. If it is shorter than [`ServerTimeouts::data_block`], a client that has sent little may not be
    /// silent for that long.
    pub data_grace: Duration,
    /// For the client to read its replies; a client that does not is disconnected without a further reply. Default 2 minutes.
    pub write: Duration,
    /// For the whole session, checked whenever the server waits for the client. Default 2 hours.
    pub session: Duration,
    /// After the server was told to stop: for the next command of a running transaction, and for the next octets of
    /// its message. Default 5 seconds.
    pub stopping: Duration,
    /// After the server was told to stop: for the running transactions to end. Default 30 seconds.
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
            data_grace: Duration::from_secs(4 * 60),
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
