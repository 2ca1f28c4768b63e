//! Which protocol a client and a server speak.

/// What a client and a server speak: SMTP, or LMTP, its sibling for the last step to mailboxes.
///
/// LMTP is SMTP but that a client says LHLO in place of EHLO, and that the end of a message has a reply
/// for each recipient that was accepted by RCPT. Its server keeps no queue: what it does not take at
/// once stays with the client.
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
