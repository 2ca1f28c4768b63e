//! What TLS with one host must be, and the terms on which the host may be used.

use std::sync::Arc;

#[cfg(feature = "tls")]
use koukan_core::{reply::TlsVerdict, tls::ClientTls};

use super::{Guard, HostIdentity};

/// What TLS with one host must be.
#[derive(Debug, Clone, Default)]
pub(crate) enum Security {
    /// What the settings say for all hosts.
    #[default]
    AsSet,
    /// TLS must be used in this way, or no mail is sent there; the verdict is what is then known of
    /// the connection.
    #[cfg(feature = "tls")]
    Demanded(ClientTls, TlsVerdict),
    /// TLS is used in this way, unless the settings forbid TLS or demand more.
    #[cfg(feature = "mta-sts")]
    Wanted(ClientTls),
}

/// What is known of a domain's mail host.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// What TLS with it must be, as far as the domain says.
    pub(crate) security: Security,
    /// Whether DNSSEC proves that it is a mail host of the domain, so that its TLSA records count.
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "there is no TLS"))]
    pub(crate) is_proved: bool,
    /// The domain.
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "there is no TLS"))]
    pub(crate) domain: Arc<str>,
}

/// The terms on which a host may be used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    /// Checks its addresses, if the operator has not named it.
    pub(crate) guard: Option<&'a Guard>,
    #[cfg_attr(not(feature = "tls"), allow(dead_code, reason = "only TLS asks"))]
    pub(crate) security: &'a Security,
    /// The identity to use with it, if it differs from that for all hosts.
    pub(crate) identity: Option<&'a HostIdentity>,
}

/// How to begin with TLS.
#[cfg(feature = "tls")]
#[derive(Debug, Clone)]
pub(crate) struct Begin {
    pub(crate) tls: ClientTls,
    /// Whether no mail is sent to the host without TLS.
    pub(crate) is_required: bool,
    /// What is known of the connection then.
    pub(crate) verdict: TlsVerdict,
}

#[cfg(feature = "tls")]
impl super::TlsPolicy {
    /// How to begin with TLS at a host with that security; `None` if TLS is not used.
    pub(crate) fn with(&self, security: &Security) -> Option<Begin> {
        let set = self.tls().map(|tls| Begin {
            tls: tls.clone(),
            is_required: self.is_required(),
            verdict: match tls.is_verifying() {
                true => TlsVerdict::Verified,
                false => TlsVerdict::Unverified,
            },
        });
        match security {
            Security::AsSet => set,
            // A weaker demand does not lower what the settings say.
            Security::Demanded(tls, verdict) => match set {
                Some(set) if *verdict == TlsVerdict::Unverified => Some(Begin {
                    is_required: true,
                    ..set
                }),
                _ => Some(Begin {
                    tls: tls.clone(),
                    is_required: true,
                    verdict: *verdict,
                }),
            },
            #[cfg(feature = "mta-sts")]
            Security::Wanted(tls) => set.map(|set| match set.verdict {
                TlsVerdict::Verified => set,
                _ => Begin {
                    tls: tls.clone(),
                    ..set
                },
            }),
        }
    }
}

impl Security {
    /// Whether no mail is sent to the host without TLS.
    #[cfg(feature = "tls")]
    pub(crate) fn is_demanded(&self) -> bool {
        match self {
            Self::AsSet => false,
            #[cfg(feature = "mta-sts")]
            Self::Wanted(_) => false,
            Self::Demanded(..) => true,
        }
    }

    /// Whether a connection with that verdict is secure enough.
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
