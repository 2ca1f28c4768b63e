//! Results of SPF: RFC 7208 section 2.6.

use std::fmt;

/// The SPF result for a host that sends mail of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpfResult {
    /// The domain has no record, or does not exist.
    None,
    /// The domain makes no statement about the host.
    Neutral,
    /// The host is permitted.
    Pass,
    /// The host is not permitted.
    Fail,
    /// The host is probably not permitted.
    SoftFail,
    /// The DNS does not answer, so nothing is known for now.
    TempError,
    /// The domain's record is malformed.
    PermError,
}

impl SpfResult {
    /// All results.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Neutral,
        Self::Pass,
        Self::Fail,
        Self::SoftFail,
        Self::TempError,
        Self::PermError,
    ];

    /// Its name, as in RFC 8601 section 2.7.2.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Neutral => "neutral",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::SoftFail => "softfail",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

impl fmt::Display for SpfResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
