//! Whether a message authenticates as its author's: RFC 9989 sections 4.4, 4.10 and 5.3.

use koukan_core::network::{LookupError, Resolver};

use super::{
    Policy,
    record::Author,
    walk::{Unknown, Walk},
};

/// What DMARC says of a message: RFC 8601 section 2.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DmarcResult {
    /// The author's domain says nothing.
    None,
    /// The message is the author's domain's.
    Pass,
    /// It is not.
    Fail,
    /// It cannot be found out just now.
    TempError,
    /// It names no author, or several.
    PermError,
}

impl DmarcResult {
    /// All of them.
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
    /// Where SPF has passed.
    pub spf: Option<String>,
    /// Of signatures that have passed.
    pub dkim: Vec<String>,
    /// Whether it may be that there are more: the DNS did not answer.
    pub is_incomplete: bool,
}

/// What DMARC says, and what the author's domain asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DmarcAnswer {
    /// What DMARC says.
    pub result: DmarcResult,
    /// What is to become of a message that fails.
    pub policy: Policy,
    /// Whether SPF says that it is the author's.
    pub by_spf: bool,
    /// Whether a signature says so.
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

/// Asks the DNS of an author's domain (in lower case) whether a message is its own. Whoever asks limits the
/// time.
///
/// # Cancel safety
///
/// Nothing is lost when it is dropped.
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
    let organization = walk.organization();
    let mut by_spf = false;
    if let Some(domain) = &identifiers.spf {
        by_spf = is_aligned(domain, author, organization, record.is_strict_spf, resolver).await?;
    }
    let mut by_dkim = false;
    for domain in &identifiers.dkim {
        let is_strict = record.is_strict_dkim;
        by_dkim = by_dkim || is_aligned(domain, author, organization, is_strict, resolver).await?;
    }
    let result = match by_spf || by_dkim {
        true => DmarcResult::Pass,
        false if identifiers.is_incomplete => DmarcResult::TempError,
        false => DmarcResult::Fail,
    };
    let whose = match at == author {
        true => Author::Itself,
        false if is_missing(author, resolver).await? => Author::Missing,
        false => Author::Below,
    };
    Ok(DmarcAnswer {
        result,
        policy: record.policy(whose),
        by_spf,
        by_dkim,
    })
}

/// Whether a domain stands for the author's: the same one, or where that will do one of the same organization.
async fn is_aligned(
    domain: &str,
    author: &str,
    organization: &str,
    is_strict: bool,
    resolver: &dyn Resolver,
) -> Result<bool, Unknown> {
    if domain == author {
        return Ok(true);
    }
    let before = domain.strip_suffix(organization);
    let is_within = before.is_some_and(|before| before.is_empty() || before.ends_with('.'));
    // Nobody outside can have the same organization.
    if is_strict || !is_within {
        return Ok(false);
    }
    let walk = Walk::up_from(domain, resolver).await?;
    Ok(walk.organization() == organization)
}

/// Whether there is nothing of that name: RFC 9989 section 3.2.12.
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
            // Those below have a policy of their own, and those that are not there.
            ("mail.example.com", "example.com", "", Pass, Quarantine),
            ("mail.example.com", "x.example", "", Fail, Quarantine),
            ("gone.example.com", "x.example", "", Fail, Reject),
            // Another organization below.
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
            ("trial.example", "", "", Fail, Quarantine),
            ("nothing.example", "nothing.example", "", Nothing, None),
            ("down.example", "down.example", "", TempError, None),
        ] {
            let identifiers = Identifiers {
                spf: (!spf.is_empty()).then(|| spf.to_owned()),
                dkim: dkim.split_whitespace().map(str::to_owned).collect(),
                is_incomplete: false,
            };
            let answer = evaluate(author, &identifiers, &dns()).await;
            let found = (answer.result, answer.policy);
            assert_eq!(found, (result, policy), "{author}: {spf}, {dkim}");
        }
    }

    #[tokio::test]
    async fn what_is_not_known_is_no_failure() {
        let identifiers = Identifiers {
            is_incomplete: true,
            ..Identifiers::default()
        };
        let answer = evaluate("example.com", &identifiers, &dns()).await;
        assert_eq!(answer.result, DmarcResult::TempError);
    }
}
