//! What TLS with one host must be, and on which terms it may be used.

use std::sync::Arc;

#[cfg(feature = "tls")]
use koukan_core::{reply::TlsVerdict, tls::ClientTls};

use super::{Guard, HostIdentity};

/// What TLS with one host must be.
#[derive(Debug, Clone, Default)]
pub(crate) enum Security {
    /// What the settings say of all hosts.
    #[default]
    AsSet,
    /// It is begun in this way, or no mail goes there: what is then known of the connection.
    #[cfg(feature = "tls")]
    Demanded(ClientTls, TlsVerdict),
    /// It is begun in this way, where the settings do not say that none is, or demand more.
    #[cfg(feature = "mta-sts")]
    Wanted(ClientTls),
}

/// What is known of a domain's mail host.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// What TLS with it must be, as far as the domain says it.
    pub(crate) security: Security,
    /// Whether the DNS proves that it is one, so that it may tell of its certificate.
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "there is no TLS"))]
    pub(crate) is_proved: bool,
    /// The domain.
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "there is no TLS"))]
    pub(crate) domain: Arc<str>,
}

/// On which terms a host may be used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    /// What looks at its addresses, where the operator has not named it.
    pub(crate) guard: Option<&'a Guard>,
    #[cfg_attr(not(feature = "tls"), allow(dead_code, reason = "only TLS asks"))]
    pub(crate) security: &'a Security,
    /// Who we are to it, where that is another than to all hosts.
    pub(crate) identity: Option<&'a HostIdentity>,
}

/// How TLS is begun with a host.
#[cfg(feature = "tls")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begin<'a> {
    pub(crate) tls: &'a ClientTls,
    /// Whether no mail goes to the host without.
    pub(crate) is_required: bool,
    /// What is known of the connection then.
    pub(crate) verdict: TlsVerdict,
}

#[cfg(feature = "tls")]
impl super::TlsPolicy {
    /// How TLS is begun with a host of which that is said; `None` where it is not.
    pub(crate) fn with<'a>(&'a self, security: &'a Security) -> Option<Begin<'a>> {
        let set = self.tls().map(|tls| Begin {
            tls,
            is_required: self.is_required(),
            verdict: match tls.is_verifying() {
                true => TlsVerdict::Verified,
                false => TlsVerdict::Unverified,
            },
        });
        match security {
            Security::AsSet => set,
            // Who demands least of it does not lower what the settings say.
            Security::Demanded(tls, verdict) => match set {
                Some(set) if *verdict == TlsVerdict::Unverified => Some(Begin {
                    is_required: true,
                    ..set
                }),
                _ => Some(Begin {
                    tls,
                    is_required: true,
                    verdict: *verdict,
                }),
            },
            #[cfg(feature = "mta-sts")]
            Security::Wanted(tls) => set.map(|set| match set.verdict {
                TlsVerdict::Verified => set,
                _ => Begin { tls, ..set },
            }),
        }
    }
}

impl Security {
    /// Whether no mail goes to the host without.
    #[cfg(feature = "tls")]
    pub(crate) fn is_demanded(&self) -> bool {
        match self {
            Self::AsSet => false,
            #[cfg(feature = "mta-sts")]
            Self::Wanted(_) => false,
            Self::Demanded(..) => true,
        }
    }

    /// Whether a connection of which that is known will do.
    #[cfg(feature = "tls")]
    pub(crate) fn is_met_by(&self, known: Option<TlsVerdict>) -> bool {
        match self {
            Self::AsSet => true,
            #[cfg(feature = "mta-sts")]
            Self::Wanted(_) => true,
            Self::Demanded(_, TlsVerdict::Unverified) => known.is_some(),
            Self::Demanded(_, TlsVerdict::Dane) => known == Some(TlsVerdict::Dane),
            Self::Demanded(..) => matches!(known, Some(TlsVerdict::Verified | TlsVerdict::MtaSts)),
        }
    }
}
