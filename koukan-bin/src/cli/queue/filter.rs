//! Selects transactions.

use crate::config::HumanDuration;
use clap::Args;
use jiff::Timestamp;
use koukan_core::clock::{Clock, SystemClock};

use crate::cli::agent::escaped;

/// Selects transactions: those that meet all of these conditions.
#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Only those that arrived on behalf of the sender of this name in the configuration.
    #[arg(long, value_name = "NAME")]
    sender: Option<String>,
    /// Only those in this state: `waiting`, `held`, `scheduled`, `active`, `finished`, `unfinished`
    /// or `any`. Default `unfinished`.
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// Only those from this address; `<>` for notifications and the like.
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// Only those to this address.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
    /// Only those to an address in this domain.
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,
    /// Only those that go to this host; or to this domain, where no host is configured.
    #[arg(long, value_name = "HOST")]
    destination: Option<String>,
    /// Only those whose last reply contains all of these words.
    #[arg(long, value_name = "WORDS")]
    reply: Option<String>,
    /// Only those that arrived at least this long ago, as in `30m`, `2h`, `5d`.
    #[arg(long, value_name = "DURATION")]
    older_than: Option<HumanDuration>,
    /// Only those that arrived at most this long ago.
    #[arg(long, value_name = "DURATION")]
    newer_than: Option<HumanDuration>,
}

/// The parameters of a request.
#[derive(Debug, Default)]
pub(super) struct Query(String);

impl Filter {
    /// The parameters for this selection.
    ///
    /// # Errors
    ///
    /// A message for the user: a duration is too long.
    pub(super) fn query(&self) -> Result<Query, String> {
        let mut query = Query::default();
        for (name, value) in [
            ("sender", &self.sender),
            ("state", &self.state),
            ("mail_from", &self.from),
            ("recipient", &self.to),
            ("domain", &self.domain),
            ("destination", &self.destination),
            ("reply", &self.reply),
        ] {
            if let Some(value) = value {
                query.add(name, value);
            }
        }
        for (name, age) in [("until", self.older_than), ("since", self.newer_than)] {
            if let Some(age) = age {
                query.add(name, &before_now(age)?.to_string());
            }
        }
        Ok(query)
    }
}

fn before_now(age: HumanDuration) -> Result<Timestamp, String> {
    let time = SystemClock.now().checked_sub(age.0);
    time.map_err(|_| format!("{age} is too long"))
}

impl Query {
    pub(super) fn add(&mut self, name: &str, value: &str) {
        let mark = if self.0.is_empty() { '?' } else { '&' };
        self.0.push(mark);
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(&escaped(value));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A path with the parameters.
    pub(super) fn path(&self, path: &str) -> String {
        format!("{path}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_in_a_uri_is_escaped() {
        let mut query = Query::default();
        assert!(query.is_empty());
        query.add("mail_from", "<>");
        query.add("recipient", "a+b&c@ü.example");
        let path = query.path("/queue");
        let expected = "/queue?mail_from=%3C%3E&recipient=a%2Bb%26c%40%C3%BC.example";
        assert_eq!(path, expected);
    }
}
