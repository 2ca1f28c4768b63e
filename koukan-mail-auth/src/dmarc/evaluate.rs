//! Whether a message authenticates as its author's domain: RFC 9989 sections 4.4, 4.10 and 5.3.

use koukan_core::network::{LookupError, Resolver};

use super::{
    Policy,
    record::Author,
    walk::{Unknown, Walk},
};
use crate::domain::is_within;

/// The DMARC result for a message: RFC 8601 section 2.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DmarcResult {
    /// The author's domain has no policy.
    None,
    /// The message authenticates as the author's domain.
    Pass,
    /// It does not.
    Fail,
    /// The DNS does not answer, so nothing is known for now.
    TempError,
    /// The message names no author, or more than are asked.
    PermError,
}

impl DmarcResult {
    /// All results.
    pub const ALL: [Self; 5] = [
        Self::None,
        Self::Pass,
        Self::Fail,
        Self::TempError,
        Self::PermError,
    ];

    /// Its name in RFC 8601.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

/// The domains as which a message authenticates, in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identifiers {
    /// The domain for which SPF has passed.
    pub spf: Option<String>,
    /// The domains whose signatures have passed.
    pub dkim: Vec<String>,
    /// The domain for which SPF is unknown, since the DNS did not answer.
    pub unknown_spf: Option<String>,
    /// The domains whose signatures are unknown, since the DNS did not answer.
    pub unknown_dkim: Vec<String>,
}

/// The DMARC result, and the policy of the author's domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DmarcAnswer {
    /// The result.
    pub result: DmarcResult,
    /// What the author's domain asks for when a message fails.
    pub policy: Policy,
    /// Whether SPF authenticates the message as the author's.
    pub by_spf: bool,
    /// Whether a signature authenticates it as the author's.
    pub by_dkim: bool,
}

impl DmarcAnswer {
    pub(crate) fn of(result: DmarcResult) -> Self {
        Self {
            result,
            policy: Policy::None,
            by_spf: false,
            by_dkim: false,
        }
    }
}

/// Asks the DNS of an author's domain (in lower case) whether a message is authentic. The caller limits the
/// time.
///
/// # Cancel safety
///
/// Dropping the future loses nothing.
pub async fn evaluate(
    author: &str,
    identifiers: &Identifiers,
    resolver: &dyn Resolver,
) -> DmarcAnswer {
    match ask(author, identifiers, resolver).await {
        Ok(answer) => answer,
        Err(Unknown) => DmarcAnswer::of(DmarcResult::TempError),
    }
}

async fn ask(
    author: &str,
    identifiers: &Identifiers,
    resolver: &dyn Resolver,
) -> Result<DmarcAnswer, Unknown> {
    let walk = Walk::up_from(author, resolver).await?;
    let Some((at, record)) = walk.record() else {
        return Ok(DmarcAnswer::of(DmarcResult::None));
    };
    let alignment = Alignment {
        author,
        organization: walk.organization(),
        resolver,
    };
    let (strict_spf, strict_dkim) = (record.is_strict_spf, record.is_strict_dkim);
    let by_spf = alignment.of_any(&identifiers.spf, strict_spf).await;
    let by_dkim = alignment.of_any(&identifiers.dkim, strict_dkim).await;
    let result = match by_spf == Aligned::Yes || by_dkim == Aligned::Yes {
        true => DmarcResult::Pass,
        // Only names that would count if they were known: the others were chosen by the sender of
        // the message.
        false
            if [by_spf, by_dkim].contains(&Aligned::Unknown)
                || alignment.of_any(&identifiers.unknown_spf, strict_spf).await != Aligned::No
                || alignment
                    .of_any(&identifiers.unknown_dkim, strict_dkim)
                    .await
                    != Aligned::No =>
        {
            DmarcResult::TempError
        }
        false => DmarcResult::Fail,
    };
    let whose = match at == author {
        true => Author::Itself,
        false if record.tells_missing() && is_missing(author, resolver).await? => Author::Missing,
        false => Author::Below,
    };
    Ok(DmarcAnswer {
        result,
        policy: record.policy(whose),
        by_spf: by_spf == Aligned::Yes,
        by_dkim: by_dkim == Aligned::Yes,
    })
}

/// Decides whether domains stand for the author's.
struct Alignment<'a> {
    author: &'a str,
    organization: &'a str,
    resolver: &'a dyn Resolver,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aligned {
    Yes,
    No,
    /// The DNS gives no answer.
    Unknown,
}

impl Alignment<'_> {
    async fn of_any(&self, domains: impl IntoIterator<Item = &String>, is_strict: bool) -> Aligned {
        let mut best = Aligned::No;
        for domain in domains {
            match self.of(domain, is_strict).await {
                Ok(true) => return Aligned::Yes,
                Ok(false) => {}
                Err(Unknown) => best = Aligned::Unknown,
            }
        }
        best
    }

    /// Whether it is the author's domain, or, unless alignment is strict, one of the same
    /// organization.
    async fn of(&self, domain: &str, is_strict: bool) -> Result<bool, Unknown> {
        if domain == self.author {
            return Ok(true);
        }
        // A domain outside of the organization's cannot be aligned.
        if is_strict || !is_within(domain, self.organization) {
            return Ok(false);
        }
        let walk = Walk::up_from(domain, self.resolver).await?;
        Ok(walk.organization() == self.organization)
    }
}

/// Whether the DNS has nothing of this name: RFC 9989 section 3.2.12.
async fn is_missing(domain: &str, resolver: &dyn Resolver) -> Result<bool, Unknown> {
    match resolver.addresses(domain).await {
        Ok(answer) if !answer.records.is_empty() => return Ok(false),
        Ok(_) | Err(LookupError::NoSuchName) => {}
        Err(_) => return Err(Unknown),
    }
    match resolver.mx(domain).await {
        Ok(answer) => Ok(answer.records.is_empty()),
        Err(LookupError::NoSuchName) => Ok(true),
        Err(_) => Err(Unknown),
    }
}

#[cfg(test)]
mod tests {
    use koukan_core::test_util::ScriptedResolver;

    use super::*;

    fn dns() -> ScriptedResolver {
        let text = |text: &str| [Box::from(text.as_bytes())];
        ScriptedResolver::new()
            .with_txt(
                "_dmarc.example.com",
                text("v=DMARC1; p=reject; sp=quarantine; np=reject"),
            )
            .with_txt(
                "_dmarc.strict.example",
                text("v=DMARC1; p=quarantine; adkim=s; aspf=s"),
            )
            .with_txt("_dmarc.trial.example", text("v=DMARC1; p=reject; t=y"))
            .with_txt("_dmarc.own.example.com", text("v=DMARC1; p=none; psd=n"))
            .with_addresses("mail.example.com", ["192.0.2.1".parse().unwrap()])
            .with_failure("_dmarc.down.example")
            // Nobody needs to know whether this name exists.
            .with_failure("sub.strict.example")
    }

    #[tokio::test]
    async fn who_stands_for_the_author() {
        use DmarcResult::{Fail, None as Nothing, Pass, TempError};
        use Policy::{None, Quarantine, Reject};
        for (author, spf, dkim, result, policy) in [
            ("example.com", "example.com", "", Pass, Reject),
            ("example.com", "", "example.com", Pass, Reject),
            ("example.com", "a.example.com", "", Pass, Reject),
            ("example.com", "", "x.example x.a.example.com", Pass, Reject),
            ("example.com", "aexample.com", "com", Fail, Reject),
            ("example.com", "", "", Fail, Reject),
            // Subdomains, and subdomains that do not exist, have their own policies.
            ("mail.example.com", "example.com", "", Pass, Quarantine),
            ("mail.example.com", "x.example", "", Fail, Quarantine),
            ("gone.example.com", "x.example", "", Fail, Reject),
            // A subdomain that is an organization of its own.
            ("own.example.com", "example.com", "", Fail, None),
            ("example.com", "own.example.com", "", Fail, Reject),
            ("own.example.com", "x.own.example.com", "", Pass, None),
            (
                "strict.example",
                "a.strict.example",
                "a.strict.example",
                Fail,
                Quarantine,
            ),
            ("strict.example", "", "strict.example", Pass, Quarantine),
            ("sub.strict.example", "x.example", "", Fail, Quarantine),
            ("trial.example", "", "", Fail, Quarantine),
            ("nothing.example", "nothing.example", "", Nothing, None),
            ("down.example", "down.example", "", TempError, None),
        ] {
            let identifiers = Identifiers {
                spf: (!spf.is_empty()).then(|| spf.to_owned()),
                dkim: dkim.split_whitespace().map(str::to_owned).collect(),
                ..Identifiers::default()
            };
            let answer = evaluate(author, &identifiers, &dns()).await;
            let found = (answer.result, answer.policy);
            assert_eq!(found, (result, policy), "{author}: {spf}, {dkim}");
        }
    }

    #[tokio::test]
    async fn what_is_not_known_is_no_failure() {
        use DmarcResult::{Fail, Pass, TempError};
        for (author, unknown_spf, unknown_dkim, dkim, result) in [
            ("example.com", "example.com", "", "", TempError),
            ("example.com", "", "a.example.com", "", TempError),
            ("example.com", "", "a.example.com", "example.com", Pass),
            // The sender chose these domains, whose DNS gives no answer.
            ("example.com", "silent.example", "", "", Fail),
            ("example.com", "", "silent.example x.example", "", Fail),
            (
                "strict.example",
                "a.strict.example",
                "a.strict.example",
                "",
                Fail,
            ),
            // The organization of this domain is unknown.
            ("example.com", "", "", "lost.example.com", TempError),
            ("example.com", "", "", "lost.example.com example.com", Pass),
        ] {
            let list = |text: &str| {
                text.split_whitespace()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            let identifiers = Identifiers {
                spf: None,
                dkim: list(dkim),
                unknown_spf: list(unknown_spf).pop(),
                unknown_dkim: list(unknown_dkim),
            };
            let dns = dns().with_failure("_dmarc.lost.example.com");
            let answer = evaluate(author, &identifiers, &dns).await;
            assert_eq!(answer.result, result, "{author}: {identifiers:?}");
        }
    }
}
