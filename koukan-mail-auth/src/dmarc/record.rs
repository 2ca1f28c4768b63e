//! DMARC records: RFC 9989 section 4.7.

use std::fmt;

use crate::dkim::Tags;

/// What to do with a message that does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// Nothing special.
    None,
    /// Treat it as suspicious.
    Quarantine,
    /// Refuse it.
    Reject,
}

impl Policy {
    /// Its name in a record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }

    fn of(text: &str) -> Option<Self> {
        let all = [Self::None, Self::Quarantine, Self::Reject];
        all.into_iter()
            .find(|policy| text.eq_ignore_ascii_case(policy.as_str()))
    }

    /// The next milder policy.
    fn milder(self) -> Self {
        match self {
            Self::Reject => Self::Quarantine,
            Self::Quarantine | Self::None => Self::None,
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The record of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    policy: Policy,
    /// The policy for subdomains.
    subdomains: Option<Policy>,
    /// The policy for subdomains that do not exist.
    missing: Option<Policy>,
    is_testing: bool,
    pub(super) is_strict_dkim: bool,
    pub(super) is_strict_spf: bool,
    /// Whether others register domains below this one; `None` where the record does not say.
    pub(super) is_public_suffix: Option<bool>,
}

/// Whose policy is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Author {
    /// The domain itself.
    Itself,
    /// A subdomain.
    Below,
    /// A subdomain that does not exist.
    Missing,
}

impl Record {
    /// Reads a record; `None` where the text is none.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let text = str::from_utf8(text).ok()?;
        // RFC 9989 section 4.7: a mistake in one tag does not invalidate the others.
        let tags = Tags::of_readable(text)?;
        // A text that begins differently is not a DMARC record.
        let is_first = text.split_once('=').is_some_and(|(v, _)| v.trim() == "v");
        if !is_first || tags.get("v") != Some("DMARC1") {
            return None;
        }
        let of = |name: &str| tags.get(name).and_then(Policy::of);
        let is = |name: &str, value: &str| {
            let found = tags.get(name);
            found.is_some_and(|found| found.eq_ignore_ascii_case(value))
        };
        // A record without a readable policy that asks for reports counts as the policy `none`.
        let policy = match (of("p"), tags.get("rua")) {
            (Some(policy), _) => policy,
            (None, Some(_)) => Policy::None,
            (None, None) if tags.get("p").is_none() => Policy::None,
            (None, None) => return None,
        };
        Some(Self {
            policy,
            subdomains: of("sp"),
            missing: of("np"),
            is_testing: is("t", "y"),
            is_strict_dkim: is("adkim", "s"),
            is_strict_spf: is("aspf", "s"),
            is_public_suffix: match (is("psd", "y"), is("psd", "n")) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            },
        })
    }

    /// Whether it has a policy of its own for subdomains that do not exist.
    pub(super) fn tells_missing(&self) -> bool {
        self.missing.is_some()
    }

    /// The policy for messages of this author.
    pub(super) fn policy(&self, author: Author) -> Policy {
        let policy = match author {
            Author::Itself => None,
            Author::Below => self.subdomains,
            Author::Missing => self.missing.or(self.subdomains),
        };
        let policy = policy.unwrap_or(self.policy);
        match self.is_testing {
            true => policy.milder(),
            false => policy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Author::*, Policy::*, *};

    #[test]
    fn records_are_read() {
        for (text, expected) in [
            ("v=DMARC1; p=reject", Some([Reject, Reject, Reject])),
            (
                "v=DMARC1;p=REJECT; sp=quarantine;np=none ",
                Some([Reject, Quarantine, None]),
            ),
            ("v=DMARC1; p=none; sp=reject", Some([None, Reject, Reject])),
            (
                "v=DMARC1; p=reject; t=y; sp=quarantine",
                Some([Quarantine, None, None]),
            ),
            ("v=DMARC1; p=what; rua=mailto:a@b", Some([None, None, None])),
            ("v=DMARC1; rua=mailto:a@b", Some([None, None, None])),
            ("v=DMARC1", Some([None, None, None])),
            ("v=DMARC1; p=what", Option::None),
            ("v=DMARC2; p=reject", Option::None),
            ("p=reject; v=DMARC1", Option::None),
            ("v=spf1 -all", Option::None),
            ("v=DMARC1; p=none; p=none", Option::None),
            (
                "v=DMARC1; p=reject; pct; =x; 1=2;; sp=none;",
                Some([Reject, None, None]),
            ),
            ("x; v=DMARC1; p=reject", Option::None),
        ] {
            let record = Record::parse(text.as_bytes());
            let found = record.map(|it| [Itself, Below, Missing].map(|author| it.policy(author)));
            assert_eq!(found, expected, "{text}");
        }
        let record = Record::parse(b"v=DMARC1; p=none; adkim=s; aspf=S; psd=y").unwrap();
        assert!(record.is_strict_dkim && record.is_strict_spf);
        assert_eq!(record.is_public_suffix, Some(true));
    }
}
