//! What a client may ask for.

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
    /// Octets in a line of a message, CRLF included; a message with a longer one gets 554.
    /// Default: no limit.
    pub text_line: Option<usize>,
    /// RCPT commands in a mail transaction; those beyond get 452. RFC 5321 section 4.5.3.1.8
    /// demands 100 at least. Default 1000.
    pub recipients: usize,
    /// Different domains of the recipients of a mail transaction; those of others get 452. Default: no
    /// limit.
    pub recipient_domains: Option<usize>,
    /// Mail transactions on a connection; the next MAIL gets 421. Default 10 000.
    pub transactions: u32,
    /// Commands on a connection that are malformed or out of sequence; one more gets 421.
    /// Recipients that were refused are counted by themselves. Default 20.
    pub errors: u32,
    /// Recipients on a connection that are refused for good (5yz), against clients that look for
    /// addresses; one more gets 421, unless as many were accepted. Default 100.
    pub refused_recipients: u32,
    /// Of these, those whose replies go out at once; each further one waits for
    /// [`Limits::refusal_delay`], unless as many were accepted. Default 10.
    pub prompt_refusals: u32,
    /// How long the reply to a recipient beyond [`Limits::prompt_refusals`] waits. Default 1 second.
    pub refusal_delay: Duration,
    /// Commands that lead nowhere (EHLO, HELO, NOOP, RSET, VRFY, EXPN, HELP) since the last
    /// message that was accepted; one more gets 421. Default 100.
    pub idle_commands: u32,
    /// Errors of one client (by address, as for [`Limits::connections_per_client`]; ten times as many of one that has
    /// shown who it is) on all its connections: commands that are malformed or out of sequence, and recipients that
    /// are refused for good, unless as many were accepted on that connection. From a tenth of these on what it does
    /// next waits for [`Limits::refusal_delay`]. With as many it gets 421 and is turned away when it connects, until
    /// half of them are forgotten. Clients on this host are not counted, nor are proxies; their clients are.
    /// Default 1000.
    pub errors_per_client: u32,
    /// How long until all of [`Limits::errors_per_client`] are forgotten, one after the other. Default 1 hour.
    pub errors_forgotten: Duration,
    /// Authentications that fail, of one client (by address, as for
    /// [`Limits::connections_per_client`]): one more gets 421. One is forgotten each minute. Default 20.
    pub failed_authentications: u32,
    /// How long the reply to an authentication that has failed waits, times the failures of that client
    /// so far, up to ten. Default 1 second.
    pub authentication_delay: Duration,
    /// Connections in all; one more gets 421. Default 4096.
    pub connections: usize,
    /// Connections of one client (an IPv4 address, or the /64 network of an IPv6 address), behind a
    /// proxy that of the client and not the proxy's; one more gets 421. Default 256.
    pub connections_per_client: usize,
    /// Octets of a message that are read at once, and so held, at most. Default 64 KiB.
    pub body_buffer: usize,
    /// Octets a second that a client must send while it sends a message, on average and apart
    /// from [`ServerTimeouts::data_grace`](super::ServerTimeouts::data_grace), or it gets 421. Time that the
    /// server itself takes does not count. Default 100.
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

/// What the value of a limit may be: RFC 9422 section 4.
const KEYWORD_MAX: u64 = 999_999;

impl Limits {
    /// The EHLO keyword that tells of limits on mail transactions; `None` where there are none that can be
    /// told. That on domains of recipients cannot: RCPTDOMAINMAX is of a whole session.
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
