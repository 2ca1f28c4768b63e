//! What a client is offered in the reply to EHLO.

use super::Keyword;
use crate::server::Limits;

/// The service extensions that the server offers a client, and holds it to: a parameter or command of
/// an extension that is not offered is refused.
///
/// A greeter takes away what this client is not to use, and adds [`others`](Self::others) that are
/// none of the server's business, and are told as they are. What of the rest the server cannot do is
/// not offered, whatever the greeter says. After HELO nothing of it is told, and what needs no EHLO
/// holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Offer {
    /// PIPELINING (RFC 2920). Commands may be pipelined, whether it is told or not.
    pub pipelining: bool,
    /// SIZE (RFC 1870): the octets of a message, at most, where that is told. Never more than
    /// [`Limits::message_size`].
    pub size: Option<u64>,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// ENHANCEDSTATUSCODES (RFC 2034).
    pub enhanced_status_codes: bool,
    /// CHUNKING (RFC 3030).
    pub chunking: bool,
    /// STARTTLS (RFC 3207), where the transport can be upgraded.
    pub starttls: bool,
    /// What else is told. The server does nothing else about it.
    pub others: Vec<Keyword>,
}

impl Offer {
    /// All that a server with those limits can do, for greeters that are called by something else than
    /// the server; STARTTLS is not among it.
    pub fn all(limits: &Limits) -> Self {
        Self::of(limits, false)
    }

    /// All that the server can do, on a transport that can be upgraded or not.
    pub(in crate::server) fn of(limits: &Limits, is_upgradable: bool) -> Self {
        Self {
            pipelining: true,
            size: Some(limits.message_size),
            eight_bit_mime: true,
            smtputf8: true,
            enhanced_status_codes: true,
            chunking: true,
            starttls: is_upgradable,
            others: Vec::new(),
        }
    }

    /// The same without what the server cannot do.
    pub(in crate::server) fn within(mut self, limits: &Limits, is_upgradable: bool) -> Self {
        self.size = self.size.map(|size| size.min(limits.message_size));
        self.starttls &= is_upgradable;
        self
    }

    /// The lines that tell of it.
    ///
    /// *Source*: RFC 5321 section 4.1.1.1.
    pub(in crate::server) fn lines(&self) -> String {
        let mut lines = String::new();
        let mut tell = |keyword: &str| {
            lines.push('\n');
            lines.push_str(keyword);
        };
        let size = self.size.map(|size| format!("SIZE {size}"));
        let keywords = [
            self.pipelining.then_some("PIPELINING"),
            size.as_deref(),
            self.eight_bit_mime.then_some("8BITMIME"),
            self.smtputf8.then_some("SMTPUTF8"),
            self.enhanced_status_codes.then_some("ENHANCEDSTATUSCODES"),
            self.chunking.then_some("CHUNKING"),
            self.starttls.then_some("STARTTLS"),
        ];
        keywords.into_iter().flatten().for_each(&mut tell);
        let others = self.others.iter().map(Keyword::as_str);
        others.chain(["HELP"]).for_each(&mut tell);
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_away_or_added_shows() {
        let limits = Limits {
            message_size: 1000,
            ..Limits::default()
        };
        let all = Offer::of(&limits, true);
        assert_eq!(
            all.lines(),
            "\nPIPELINING\nSIZE 1000\n8BITMIME\nSMTPUTF8\nENHANCEDSTATUSCODES\nCHUNKING\nSTARTTLS\nHELP"
        );
        let mut less = all;
        less.size = Some(2000);
        less.chunking = false;
        less.others.push("X-A b".parse().unwrap());
        assert_eq!(
            less.within(&limits, false).lines(),
            "\nPIPELINING\nSIZE 1000\n8BITMIME\nSMTPUTF8\nENHANCEDSTATUSCODES\nX-A b\nHELP"
        );
        let nothing = Offer {
            pipelining: false,
            size: None,
            eight_bit_mime: false,
            smtputf8: false,
            enhanced_status_codes: false,
            chunking: false,
            starttls: false,
            others: Vec::new(),
        };
        assert_eq!(nothing.within(&limits, true).lines(), "\nHELP");
    }
}
