//! What TLS with one host must be, and on which terms it may be used.

#[cfg(feature = "tls")]
use koukan_core::{reply::TlsVerdict, tls::ClientTls};

use super::Guard;

/// What TLS with one host must be.
#[derive(Debug, Clone, Default)]
pub(crate) enum Security {
    /// What the settings say of all hosts.
    #[default]
    AsSet,
    /// It is begun in this way, or no mail goes there: what is then known of the connection.
    #[cfg(feature = "mta-sts")]
    Demanded(ClientTls, TlsVerdict),
    /// It is begun in this way, where the settings do not say that none is, or demand more.
    #[cfg(feature = "mta-sts")]
    Wanted(ClientTls),
}

/// On which terms a host may be used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    /// What looks at its addresses, where the operator has not named it.
    pub(crate) guard: Option<&'a Guard>,
    pub(crate) security: &'a Security,
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
            #[cfg(feature = "mta-sts")]
            Security::Demanded(tls, verdict) => Some(Begin {
                tls,
                is_required: true,
                verdict: *verdict,
            }),
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
            #[cfg(feature = "mta-sts")]
            Self::Demanded(..) => true,
        }
    }

    /// Whether a connection of which that is known will do.
    #[cfg(feature = "tls")]
    pub(crate) fn is_met_by(
        &self,
        #[cfg_attr(
            not(feature = "mta-sts"),
            expect(unused, reason = "nothing is demanded of one host alone")
        )]
        known: Option<TlsVerdict>,
    ) -> bool {
        match self {
            Self::AsSet => true,
            #[cfg(feature = "mta-sts")]
            Self::Wanted(_) => true,
            #[cfg(feature = "mta-sts")]
            Self::Demanded(..) => matches!(known, Some(TlsVerdict::Verified | TlsVerdict::MtaSts)),
        }
    }
}
