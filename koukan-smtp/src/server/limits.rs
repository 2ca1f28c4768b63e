//! The limits on a client.

use std::time::Duration;

/// Bounds on what one client can make the server hold or do.
///
/// # Example
///
/// ```
/// use koukan_smtp::server::Limits;
///
/// let limits = Limits::default().with_message_size(10 << 20);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets in a command line, CRLF included. RFC 5321 section 4.5.3.1.4 demands 512 and more
    /// for extensions. An over-long line gets 500. Default 2048.
    pub command_line: usize,
    /// Octets in a message, as advertised by SIZE; a larger one gets 552. Default 50 MiB.
    pub message_size: u64,
    /// Octets in a line of a message, CRLF included; a message with a longer line gets 554. Default: no limit.
    pub text_line: Option<usize>,
    /// RCPT commands in a mail transaction; further ones get 452. RFC 5321 section 4.5.3.1.8 demands at least 100.
    /// Default 1000.
    pub recipients: usize,
    /// Different domains of the recipients of a mail transaction; recipients of further domains get 452. Default: no limit.
    pub recipient_domains: Option<usize>,
    /// Mail transactions on a connection; the next MAIL gets 421. Default 10 000.
    pub transactions: u32,
    /// Commands on a connection that are malformed or out of sequence; one more gets 421. Refused recipients have a
    /// count of their own. Default 20.
    pub errors: u32,
    /// Recipients on a connection that are refused permanently (5yz); one more gets 421, unless at least as many were
    /// accepted. This is a guard against clients that search for addresses. Default 100.
    pub refused_recipients: u32,
    /// How many of the refused recipients get their reply at once. Each further reply waits for
    /// [`Limits::refusal_delay`], unless at least as many recipients were accepted. Default 10.
    pub prompt_refusals: u32,
    /// How long the reply to a recipient beyond [`Limits::prompt_refusals`] waits. Default 1 second.
    pub refusal_delay: Duration,
    /// Commands without a result (EHLO, HELO, NOOP, RSET, VRFY, EXPN, HELP) since the last message that was accepted;
    /// one more gets 421. Default 100.
    pub idle_commands: u32,
    /// Errors of one client on all its connections: commands that are malformed or out of sequence, and recipients that are
    /// refused permanently, unless at least as many were accepted on that connection. A client is counted by address, as for
    /// [`Limits::connections_per_client`]; one that has authenticated is counted by name, and may make ten times as many. From a
    /// tenth of this number on, each further command waits for [`Limits::refusal_delay`]. At this number the client gets 421, and
    /// is turned away when it connects, until half of its errors are forgotten. Clients on this host and proxies are not counted;
    /// a proxy's clients are. Default 1000.
    pub errors_per_client: u32,
    /// How long until all of [`Limits::errors_per_client`] are forgotten, one after the other. Default 1 hour.
    pub errors_forgotten: Duration,
    /// Failed authentications of one client (by address, as for [`Limits::connections_per_client`]); one more gets
    /// 421, unless it is in the name of a user who has authenticated from there within a day. Failures in one name, by one client,
    /// have the same limit. One failure is forgotten each minute. Default 20.
    pub failed_authentications: u32,
    /// How long the reply to a failed authentication waits, multiplied by the number of the client's failures so far,
    /// up to ten. Default 1 second.
    pub authentication_delay: Duration,
    /// Connections in all; one more gets 421. Default 4096.
    pub connections: usize,
    /// Connections of one client; one more gets 421. A client is an IPv4 address, or the /64 network of an IPv6
    /// address; behind a proxy the client's address counts, not the proxy's. Default 256.
    pub connections_per_client: usize,
    /// The most octets of a message that are read, and so held, at once. Default 64 KiB.
    pub body_buffer: usize,
    /// Octets a second that a client must send on average during a message, or it gets 421.
    /// [`ServerTimeouts::data_grace`](super::ServerTimeouts::data_grace) comes on top, and time that the server
    /// itself takes does not count. Default 100.
    pub data_rate: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_line: 2048,
            message_size: 50 << 20,
            text_line: None,
            recipients: 1000,
            recipient_domains: None,
            transactions: 10_000,
            errors: 20,
            refused_recipients: 100,
            prompt_refusals: 10,
            refusal_delay: Duration::from_secs(1),
            idle_commands: 100,
            errors_per_client: 1000,
            errors_forgotten: Duration::from_secs(3600),
            failed_authentications: 20,
            authentication_delay: Duration::from_secs(1),
            connections: 4096,
            connections_per_client: 256,
            body_buffer: 64 << 10,
            data_rate: 100,
        }
    }
}

setters! {
    Limits {
        with_command_line: command_line: usize,
        with_message_size: message_size: u64,
        with_text_line: text_line: Option<usize>,
        with_recipients: recipients: usize,
        with_recipient_domains: recipient_domains: Option<usize>,
        with_transactions: transactions: u32,
        with_errors: errors: u32,
        with_refused_recipients: refused_recipients: u32,
        with_prompt_refusals: prompt_refusals: u32,
        with_refusal_delay: refusal_delay: Duration,
        with_idle_commands: idle_commands: u32,
        with_errors_per_client: errors_per_client: u32,
        with_errors_forgotten: errors_forgotten: Duration,
        with_failed_authentications: failed_authentications: u32,
        with_authentication_delay: authentication_delay: Duration,
        with_connections: connections: usize,
        with_connections_per_client: connections_per_client: usize,
        with_body_buffer: body_buffer: usize,
        with_data_rate: data_rate: u64,
    }
}

/// The largest value that the keyword may carry: RFC 9422 section 4.
const KEYWORD_MAX: u64 = 999_999;

impl Limits {
    /// The EHLO keyword that announces limits on mail transactions; `None` where there is none to announce. The limit
    /// on domains is not announced: RCPTDOMAINMAX applies to a whole session.
    ///
    /// *Source*: RFC 9422.
    pub(super) fn keyword(&self) -> Option<String> {
        let limits = [
            ("RCPTMAX", u64::try_from(self.recipients).ok()),
            ("MAILMAX", Some(self.transactions.into())),
        ];
        let mut keyword = String::new();
        for (name, max) in limits {
            if let Some(max) = max.filter(|max| (1..=KEYWORD_MAX).contains(max)) {
                keyword.push_str(&format!(" {name}={max}"));
            }
        }
        (!keyword.is_empty()).then(|| format!("LIMITS{keyword}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_told_is_told() {
        for (recipients, transactions, keyword) in [
            (100, 5, Some("LIMITS RCPTMAX=100 MAILMAX=5")),
            (999_999, u32::MAX, Some("LIMITS RCPTMAX=999999")),
            (1_000_000, 0, None),
        ] {
            let limits = Limits {
                recipients,
                transactions,
                recipient_domains: Some(1),
                ..Limits::default()
            };
            assert_eq!(limits.keyword().as_deref(), keyword);
        }
    }
}
