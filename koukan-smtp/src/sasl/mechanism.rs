//! The mechanisms, by name.

use std::fmt;

/// How a client authenticates. Variants are in order of preference, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Mechanism {
    /// SCRAM-SHA-256, without channel binding; with the feature `scram`.
    #[cfg(feature = "scram")]
    ScramSha256,
    /// OAUTHBEARER.
    OAuthBearer,
    /// PLAIN.
    Plain,
    /// LOGIN.
    Login,
    /// EXTERNAL (RFC 4422 appendix A): by the certificate that the client has shown, without a secret.
    External,
}

/// A set of mechanisms.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Mechanisms(u8);

impl Mechanism {
    /// All mechanisms by which a client shows that it knows a secret, the best first.
    pub const ALL: &[Self] = &[
        #[cfg(feature = "scram")]
        Self::ScramSha256,
        Self::OAuthBearer,
        Self::Plain,
        Self::Login,
    ];

    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "scram")]
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::External => "EXTERNAL",
        }
    }

    /// The mechanism of that name; upper and lower case are alike.
    pub fn of(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied().chain([Self::External]);
        all.find(|one| one.name().eq_ignore_ascii_case(name))
    }
}

impl Mechanisms {
    /// The mechanisms that use a password: PLAIN and LOGIN, and with the feature `scram` also
    /// SCRAM-SHA-256.
    ///
    /// An authenticator that has no verifiers offers them [without](Self::without) SCRAM-SHA-256,
    /// since any crate in a program may switch that feature on.
    pub fn of_passwords() -> Self {
        let passwords = [
            #[cfg(feature = "scram")]
            Mechanism::ScramSha256,
            Mechanism::Plain,
            Mechanism::Login,
        ];
        passwords.into_iter().collect()
    }

    /// This set and that mechanism.
    #[must_use]
    pub fn with(self, mechanism: Mechanism) -> Self {
        Self(self.0 | bit(mechanism))
    }

    /// This set without that mechanism.
    #[must_use]
    pub fn without(self, mechanism: Mechanism) -> Self {
        Self(self.0 & !bit(mechanism))
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the set holds that mechanism.
    pub fn has(self, mechanism: Mechanism) -> bool {
        self.0 & bit(mechanism) != 0
    }

    /// The mechanisms that are in both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Each mechanism, the best first.
    pub fn iter(self) -> impl Iterator<Item = Mechanism> {
        let all = Mechanism::ALL.iter().copied();
        let all = all.chain([Mechanism::External]);
        all.filter(move |one| self.has(*one))
    }
}

fn bit(mechanism: Mechanism) -> u8 {
    1 << mechanism as u8
}

impl FromIterator<Mechanism> for Mechanisms {
    fn from_iter<I: IntoIterator<Item = Mechanism>>(mechanisms: I) -> Self {
        let bits = mechanisms.into_iter().map(bit);
        Self(bits.fold(0, |all, one| all | one))
    }
}

/// The names, separated by blanks, as EHLO lists them.
impl fmt::Display for Mechanisms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Mechanism::name).collect();
        f.write_str(&names.join(" "))
    }
}

impl fmt::Debug for Mechanisms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_tells_its_names_the_best_first() {
        let all: Mechanisms = Mechanism::ALL.iter().copied().rev().collect();
        assert_eq!(all.to_string(), "SCRAM-SHA-256 OAUTHBEARER PLAIN LOGIN");
        let passwords = Mechanisms::of_passwords().and(all);
        assert_eq!(passwords.to_string(), "SCRAM-SHA-256 PLAIN LOGIN");
        assert!(!passwords.has(Mechanism::OAuthBearer));
        assert!(Mechanisms::default().is_empty());
        let external = passwords.with(Mechanism::External);
        assert_eq!(external.to_string(), "SCRAM-SHA-256 PLAIN LOGIN EXTERNAL");
        assert_eq!(external.without(Mechanism::External), passwords);
    }

    #[test]
    fn names_are_found_in_any_case() {
        assert_eq!(Mechanism::of("scram-sha-256"), Some(Mechanism::ScramSha256));
        for name in ["SCRAM-SHA-256-PLUS", "CRAM-MD5", "PLAI", ""] {
            assert_eq!(Mechanism::of(name), None, "{name}");
        }
    }
}
