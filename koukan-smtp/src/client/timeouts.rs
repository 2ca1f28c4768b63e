//! How long a client waits for a server.

use std::{fmt, time::Duration};

/// One timeout for each phase of a session.
///
/// *Source*: the defaults of most are those of RFC 5321 section 4.5.3.2.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientTimeouts {
    /// Looking up the addresses of a host.
    pub resolve: Duration,
    /// Opening a connection to one address.
    pub connect: Duration,
    /// The greeting: section 4.5.3.2.1.
    pub greeting: Duration,
    /// The reply to EHLO or HELO.
    pub ehlo: Duration,
    /// The reply to STARTTLS, and the handshake of TLS; also of one with which a connection begins.
    pub starttls: Duration,
    /// Each reply to AUTH and to the responses that follow it.
    pub auth: Duration,
    /// The reply to MAIL: section 4.5.3.2.2.
    pub mail: Duration,
    /// The reply to RCPT: section 4.5.3.2.3.
    pub rcpt: Duration,
    /// The reply to DATA: section 4.5.3.2.4.
    pub data: Duration,
    /// The server accepting some octets of the message: section 4.5.3.2.5.
    pub block: Duration,
    /// The reply to the end of the message: section 4.5.3.2.6.
    pub end_of_data: Duration,
    /// The reply to RSET.
    pub rset: Duration,
    /// The reply to QUIT, which is not needed.
    pub quit: Duration,
}

/// A phase of a session, for timeouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Looking up the addresses of the host.
    Resolve,
    /// Opening the connection.
    Connect,
    /// The greeting.
    Greeting,
    /// EHLO or HELO.
    Ehlo,
    /// STARTTLS and the handshake of TLS.
    StartTls,
    /// The handshake of TLS on a connection that begins with it.
    TlsHandshake,
    /// AUTH.
    Auth,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA.
    Data,
    /// The message is being sent.
    Block,
    /// The message was sent; its reply is missing.
    EndOfData,
    /// RSET.
    Rset,
    /// QUIT.
    Quit,
}

impl ClientTimeouts {
    /// The timeout of a phase.
    pub fn of(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Resolve => self.resolve,
            Phase::Connect => self.connect,
            Phase::Greeting => self.greeting,
            Phase::Ehlo => self.ehlo,
            Phase::StartTls | Phase::TlsHandshake => self.starttls,
            Phase::Auth => self.auth,
            Phase::Mail => self.mail,
            Phase::Rcpt => self.rcpt,
            Phase::Data => self.data,
            Phase::Block => self.block,
            Phase::EndOfData => self.end_of_data,
            Phase::Rset => self.rset,
            Phase::Quit => self.quit,
        }
    }
}

impl Phase {
    /// Whether the server may still be one that serves nobody, since it has not answered EHLO.
    pub(super) fn is_before_hello(self) -> bool {
        matches!(self, Self::TlsHandshake | Self::Greeting | Self::Ehlo)
    }
}

impl Default for ClientTimeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            resolve: seconds(30),
            connect: seconds(30),
            greeting: seconds(5 * 60),
            ehlo: seconds(5 * 60),
            starttls: seconds(60),
            auth: seconds(2 * 60),
            mail: seconds(5 * 60),
            rcpt: seconds(5 * 60),
            data: seconds(2 * 60),
            block: seconds(3 * 60),
            end_of_data: seconds(10 * 60),
            rset: seconds(20),
            quit: seconds(5),
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "look-up",
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Ehlo => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::TlsHandshake => "TLS handshake",
            Self::Auth => "AUTH",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Block => "message",
            Self::EndOfData => "end of message",
            Self::Rset => "RSET",
            Self::Quit => "QUIT",
        })
    }
}
