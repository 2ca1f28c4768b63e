//! The protocol that a client and a server speak.

/// The protocol that a client and a server speak: SMTP, or LMTP, its variant for delivery to mailboxes.
///
/// LMTP differs from SMTP in two ways: a client says LHLO in place of EHLO, and the end of a
/// message has one reply for each recipient that RCPT accepted. An LMTP server keeps no queue: what
/// it does not take at once stays with the client.
///
/// *Source*: RFC 5321, RFC 2033.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// SMTP.
    #[default]
    Smtp,
    /// LMTP. It must not be spoken on port 25 (RFC 2033 section 5).
    Lmtp,
}

impl Protocol {
    /// Whether it is LMTP.
    pub fn is_lmtp(self) -> bool {
        self == Self::Lmtp
    }
}
