//! SRS, which rewrites the reverse-paths of forwarded messages.

use std::path::PathBuf;

use koukan_core::filter::Replaceable;
use koukan_mail_auth::srs::{Reversed, RewriteLayer, Secrets, Srs};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{InvalidFilter, Surroundings, at, key_step};
use crate::registry::{list_files::list, text::RecipientDomain};

/// For how many days addresses may be valid: their day count wraps after 1024.
const MAX_AGE: std::ops::RangeInclusive<u16> = 1..=365;

/// Gives forwarded messages a reverse-path of this agent.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rewriting {
    /// The domain of rewritten reverse-paths.
    domain: RecipientDomain,
    /// A file with secrets, the newest first.
    secret_file: PathBuf,
    /// Domains whose reverse-paths are not rewritten.
    #[serde(default)]
    own_domains: Vec<RecipientDomain>,
}

/// A router rule for recipients that are rewritten reverse-paths.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::registry) struct Reversing {
    domain: RecipientDomain,
    secret_file: PathBuf,
    /// For how many days addresses are valid.
    max_age_days: Option<u16>,
}

pub(super) fn srs(
    config: Rewriting,
    surroundings: &Surroundings,
) -> Result<RewriteLayer, InvalidFilter> {
    let secrets = secrets(&config.secret_file, surroundings)?;
    let own = config.own_domains.into_iter().map(|domain| domain.0);
    let srs = Srs::new(&config.domain.0);
    Ok(RewriteLayer::new(
        srs,
        secrets,
        surroundings.clock.clone(),
        own,
    ))
}

impl Reversing {
    pub(in crate::registry) fn into_policy(
        self,
        surroundings: &Surroundings,
    ) -> Result<Reversed, InvalidFilter> {
        let secrets = secrets(&self.secret_file, surroundings)?;
        let srs = Srs::new(&self.domain.0);
        let srs = match self.max_age_days {
            None => srs,
            Some(days) if MAX_AGE.contains(&days) => srs.with_max_age(days),
            Some(days) => {
                let (min, max) = (MAX_AGE.start(), MAX_AGE.end());
                let text = format!("addresses hold for {min} to {max} days, not {days}");
                return Err(at(text, vec![key_step("max_age_days")]));
            }
        };
        Ok(Reversed::new(srs, secrets, surroundings.clock.clone()))
    }
}

fn secrets(
    file: &std::path::Path,
    surroundings: &Surroundings,
) -> Result<Replaceable<Secrets>, InvalidFilter> {
    list::<Secrets>(surroundings, file, "secret_file")
}
