//! What the reply to EHLO offers a client.

use koukan_core::transaction::future_release::FutureRelease;

use super::Keyword;
use crate::{codec::XCLIENT_ATTRIBUTES, sasl::Mechanisms, server::Limits};

/// The service extensions that the server offers a client. They bind the client: a parameter or command of an
/// extension that is not offered is refused.
///
/// A greeter may remove what this client is not to use, and add [`others`](Self::others), which the server announces
/// without doing anything about them. What the server cannot do is not offered, even if the greeter adds it. After
/// HELO nothing is announced, and extensions that need no EHLO still hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Offer {
    /// PIPELINING (RFC 2920). Clients may pipeline commands whether it is announced or not.
    pub pipelining: bool,
    /// SIZE (RFC 1870): the most octets in a message, where that is announced. Never more than
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
    /// BINARYMIME (RFC 3030), with CHUNKING only.
    pub binarymime: bool,
    /// DSN (RFC 3461).
    pub dsn: bool,
    /// LIMITS (RFC 9422): [`Limits::recipients`], [`Limits::transactions`] and [`Limits::recipient_domains`]. These
    /// limits hold whether they are announced or not.
    pub limits: bool,
    /// STARTTLS (RFC 3207), where the transport can be upgraded.
    pub starttls: bool,
    /// REQUIRETLS (RFC 8689), where the client has TLS.
    pub requiretls: bool,
    /// AUTH (RFC 4954).
    pub auth: Authentication,
    /// XCLIENT, for proxies that name their client ([`Config::xclients`](crate::server::Config)).
    pub xclient: bool,
    /// FUTURERELEASE (RFC 4865), where the server holds messages and the client has authenticated or may still do so.
    /// The client may use it once it has authenticated.
    pub future_release: Option<FutureRelease>,
    /// Further keywords, which are announced. The server does nothing else about them.
    pub others: Vec<Keyword>,
}

/// Whether a client may authenticate, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authentication {
    /// The client may not.
    #[default]
    Never,
    /// Only once the client has TLS.
    AfterTls,
    /// With any of these mechanisms.
    By(Mechanisms),
}

/// What the server can do for a client at that moment.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct Abilities {
    /// Whether the transport can be upgraded.
    pub(in crate::server) is_upgradable: bool,
    /// Whether the client has TLS.
    pub(in crate::server) is_secure: bool,
    pub(in crate::server) auth: Authentication,
    /// Whether the client may use XCLIENT.
    pub(in crate::server) may_xclient: bool,
    pub(in crate::server) future_release: Option<FutureRelease>,
}

impl Offer {
    /// All that a server with those limits can do, for callers of a greeter other than the server. It does not
    /// include STARTTLS, REQUIRETLS and AUTH.
    pub fn all(limits: &Limits) -> Self {
        let abilities = Abilities {
            is_upgradable: false,
            is_secure: false,
            auth: Authentication::Never,
            may_xclient: false,
            future_release: None,
        };
        Self::of(limits, abilities)
    }

    /// All that the server can do for a client at that moment.
    pub(in crate::server) fn of(limits: &Limits, abilities: Abilities) -> Self {
        Self {
            pipelining: true,
            size: Some(limits.message_size),
            eight_bit_mime: true,
            smtputf8: true,
            enhanced_status_codes: true,
            chunking: true,
            binarymime: true,
            dsn: true,
            limits: true,
            starttls: abilities.is_upgradable,
            requiretls: abilities.is_secure,
            auth: abilities.auth,
            xclient: abilities.may_xclient,
            future_release: abilities.future_release,
            others: Vec::new(),
        }
    }

    /// The offer without what the server cannot do.
    pub(in crate::server) fn within(mut self, limits: &Limits, abilities: Abilities) -> Self {
        self.size = self.size.map(|size| size.min(limits.message_size));
        self.binarymime &= self.chunking;
        self.starttls &= abilities.is_upgradable;
        self.requiretls &= abilities.is_secure;
        self.auth = self.auth.within(abilities.auth);
        self.xclient &= abilities.may_xclient;
        self.future_release = self.future_release.and(abilities.future_release);
        self
    }

    /// Whether binary messages are taken.
    pub(in crate::server) fn has_binarymime(&self) -> bool {
        self.binarymime && self.chunking
    }

    /// The lines of the reply to EHLO that announce it.
    ///
    /// *Source*: RFC 5321 section 4.1.1.1.
    pub(in crate::server) fn lines(&self, limits: &Limits) -> String {
        let mut lines = String::new();
        let mut tell = |keyword: &str| {
            lines.push('\n');
            lines.push_str(keyword);
        };
        let size = self.size.map(|size| format!("SIZE {size}"));
        let limits = self.limits.then(|| limits.keyword()).flatten();
        let keywords = [
            self.pipelining.then_some("PIPELINING"),
            size.as_deref(),
            self.eight_bit_mime.then_some("8BITMIME"),
            self.smtputf8.then_some("SMTPUTF8"),
            self.enhanced_status_codes.then_some("ENHANCEDSTATUSCODES"),
            self.chunking.then_some("CHUNKING"),
            self.binarymime.then_some("BINARYMIME"),
            self.dsn.then_some("DSN"),
            limits.as_deref(),
            self.starttls.then_some("STARTTLS"),
            self.requiretls.then_some("REQUIRETLS"),
        ];
        keywords.into_iter().flatten().for_each(&mut tell);
        if let Authentication::By(mechanisms) = self.auth {
            tell(&format!("AUTH {mechanisms}"));
        }
        if self.xclient {
            tell(&format!("XCLIENT {XCLIENT_ATTRIBUTES}"));
        }
        if let Some(limit) = &self.future_release {
            tell(&limit.to_string());
        }
        let others = self.others.iter().map(Keyword::as_str);
        others.chain(["HELP"]).for_each(&mut tell);
        lines
    }
}

impl Authentication {
    /// What of it is possible.
    fn within(self, possible: Self) -> Self {
        match (self, possible) {
            (Self::By(some), Self::By(all)) => Self::by(some.and(all)),
            (Self::AfterTls, Self::AfterTls) => self,
            _ => Self::Never,
        }
    }

    /// By any of these mechanisms; without one, never.
    pub(in crate::server) fn by(mechanisms: Mechanisms) -> Self {
        match mechanisms.is_empty() {
            true => Self::Never,
            false => Self::By(mechanisms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sasl::Mechanism;

    fn abilities(is_upgradable: bool) -> Abilities {
        Abilities {
            is_upgradable,
            is_secure: is_upgradable,
            auth: Authentication::By(Mechanisms::of_passwords()),
            may_xclient: is_upgradable,
            future_release: Some(FutureRelease::of(
                Default::default(),
                std::time::Duration::from_secs(60),
            )),
        }
    }

    #[test]
    fn what_is_taken_away_or_added_shows() {
        let limits = Limits {
            message_size: 1000,
            ..Limits::default()
        };
        let all = Offer::of(&limits, abilities(true));
        assert_eq!(
            all.lines(&limits),
            "\nPIPELINING\nSIZE 1000\n8BITMIME\nSMTPUTF8\nENHANCEDSTATUSCODES\nCHUNKING\nBINARYMIME\nDSN\n\
             LIMITS RCPTMAX=1000 MAILMAX=10000\nSTARTTLS\nREQUIRETLS\n\
             AUTH SCRAM-SHA-256 PLAIN LOGIN\n\
             XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\n\
             FUTURERELEASE 60 1970-01-01T00:01:00Z\nHELP"
        );
        let mut less = all;
        less.size = Some(2000);
        less.chunking = false;
        less.future_release = None;
        let scram = Mechanisms::from_iter([Mechanism::ScramSha256, Mechanism::OAuthBearer]);
        less.auth = Authentication::By(scram);
        less.others.push("X-A b".parse().unwrap());
        assert_eq!(
            less.within(&limits, abilities(false)).lines(&limits),
            "\nPIPELINING\nSIZE 1000\n8BITMIME\nSMTPUTF8\nENHANCEDSTATUSCODES\nDSN\n\
             LIMITS RCPTMAX=1000 MAILMAX=10000\nAUTH SCRAM-SHA-256\nX-A b\nHELP"
        );
        let nothing = Offer {
            pipelining: false,
            size: None,
            eight_bit_mime: false,
            smtputf8: false,
            enhanced_status_codes: false,
            chunking: false,
            binarymime: true,
            dsn: false,
            limits: false,
            starttls: false,
            requiretls: false,
            auth: Authentication::AfterTls,
            xclient: false,
            future_release: None,
            others: Vec::new(),
        };
        let nothing = nothing.within(&limits, abilities(true));
        assert_eq!(nothing.lines(&limits), "\nHELP");
    }
}
