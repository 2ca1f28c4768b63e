//! The filters of `koukan-scan`, their matchers, and their configuration.

mod place;

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
};

use koukan_core::{filter::policy_action::matchers::Pattern, signals::DurableSignal};
use koukan_scan::{
    FoundMatcher, ScanResult, Scanner,
    clamav::Clamav,
    rspamd::{ACTIONS, Rspamd},
    scan::ScanLayer,
    server::Limits,
    spamassassin::SpamAssassin,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{InvalidFilter, Registry, Surroundings, policy_action::OneOrMany};
use crate::config::{ByteSize, HumanDuration, Step, instead};

/// Adds the filters and matchers.
pub(super) fn register(registry: &mut Registry) {
    registry.own_filter("clamav", |config: Config, surroundings| {
        let config = config.without_user()?.without_tls()?;
        config.layer(Clamav, surroundings)
    });
    registry.own_filter("rspamd", |config: Config, surroundings| {
        // Large messages are seldom spam.
        let config = config.without_user()?;
        config.passing_large().layer(Rspamd, surroundings)
    });
    registry.own_filter("spamassassin", |config: Config, surroundings| {
        let mut scanner = SpamAssassin::default();
        if let Some(user) = &config.user {
            scanner = scanner.with_user(user);
        }
        config.passing_large().layer(scanner, surroundings)
    });
    for (filter, server) in [
        ("clamav", "clamd"),
        ("rspamd", "rspamd"),
        ("spamassassin", "spamd"),
    ] {
        registry.asks(filter, move |config| {
            let address = match &config["address"] {
                Value::Array(all) => {
                    let all: Vec<_> = all.iter().filter_map(Value::as_str).collect();
                    all.join(" or ")
                }
                one => one.as_str().unwrap_or_default().to_owned(),
            };
            format!("{server} at {address}")
        });
    }
    matcher(registry, Clamav);
    matcher(registry, Rspamd);
    matcher(registry, SpamAssassin::default());
}

fn matcher<S: Scanner>(registry: &mut Registry, scanner: S) {
    registry.signals(S::Signal::NAME, [S::Signal::NAME]);
    registry.matcher(S::Signal::NAME, move |asked: Asked| asked.matcher(&scanner));
}

/// Lets a scanner check messages.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The address of the scanner; if there are several, each is used if those before it do not answer.
    address: OneOrMany,
    /// Whether to use TLS with the scanner.
    tls: Option<bool>,
    /// The authorities that are trusted.
    ca_file: Option<PathBuf>,
    /// The name that the certificate must be for.
    tls_name: Option<String>,
    /// How long to wait for one address before the next one is asked too.
    next_after: Option<HumanDuration>,
    /// What to do with messages while the scanner cannot be asked.
    fail: Option<Fail>,
    /// Whether messages are refused because of its result.
    refuse: Option<bool>,
    /// The most octets of a message that it is sent.
    max_size: Option<ByteSize>,
    /// What to do with larger messages.
    larger: Option<Larger>,
    /// The user whose preferences it uses.
    user: Option<String>,
    /// How many messages it is sent at a time.
    at_a_time: Option<NonZeroUsize>,
    /// How long a message waits for its turn.
    turn_timeout: Option<HumanDuration>,
    /// How long to wait for a connection.
    connect_timeout: Option<HumanDuration>,
    /// How long to wait for each write.
    write_timeout: Option<HumanDuration>,
    /// How long to wait for the connection and the answer together.
    timeout: Option<HumanDuration>,
    /// The number of failures after which it is not asked for a while.
    failures: Option<NonZeroU32>,
    /// How long that is.
    pause: Option<HumanDuration>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Fail {
    Open,
    Closed,
}

#[derive(Deserialize, Clone, Copy, PartialEq, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Larger {
    Pass,
    Refuse,
}

impl Config {
    fn without_user(self) -> Result<Self, InvalidFilter> {
        match self.user {
            Some(_) => Err(at(
                "only `spamassassin` goes by a user's preferences",
                "user",
            )),
            None => Ok(self),
        }
    }

    /// Lets larger messages pass by default.
    fn passing_large(mut self) -> Self {
        self.larger = self.larger.or(Some(Larger::Pass));
        self
    }

    fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        for (set, limit) in [
            (self.turn_timeout, &mut limits.turn),
            (self.connect_timeout, &mut limits.connect),
            (self.write_timeout, &mut limits.write),
            (self.timeout, &mut limits.whole),
            (self.pause, &mut limits.pause),
            (self.next_after, &mut limits.next),
        ] {
            if let Some(HumanDuration(time)) = set {
                *limit = time;
            }
        }
        if let Some(count) = self.at_a_time {
            limits.at_a_time = count.get();
        }
        if let Some(count) = self.failures {
            limits.failures = count.get();
        }
        limits
    }

    fn layer<S: Scanner>(
        self,
        scanner: S,
        surroundings: &Surroundings,
    ) -> Result<ScanLayer<S>, InvalidFilter> {
        let (connector, resolver) = (&surroundings.connector, &surroundings.resolver);
        let mut server = self.server()?;
        if let Some(tls) = self.client_tls()? {
            server = server.with_tls(tls, self.tls_name.as_deref());
        }
        let server = server
            .with_network(connector.clone(), resolver.clone())
            .with_limits(self.limits());
        let mut layer = ScanLayer::new(scanner, server)
            .with_blobs(surroundings.blobs.clone())
            .with_observers(surroundings.observers.clone());
        if let Some(ByteSize(octets)) = self.max_size {
            layer = layer.with_max_size(octets);
        }
        if self.fail == Some(Fail::Open) {
            layer = layer.failing_open();
        }
        if self.larger == Some(Larger::Pass) {
            layer = layer.passing_large();
        }
        if self.refuse == Some(false) {
            layer = layer.without_refusal();
        }
        Ok(layer)
    }
}

/// A matcher for a scanner's result; all of the given keys must match.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    results: Option<Vec<String>>,
    actions: Option<Vec<String>>,
    symbols: Option<Vec<String>>,
    min_score: Option<f64>,
}

impl Asked {
    fn matcher<S: Scanner>(self, scanner: &S) -> Result<FoundMatcher, InvalidFilter> {
        let mut matcher = FoundMatcher::of(scanner);
        for (key, list) in [
            ("results", &self.results),
            ("actions", &self.actions),
            ("symbols", &self.symbols),
        ] {
            if list.as_ref().is_some_and(Vec::is_empty) {
                return Err(at("it never matches: add one, or leave it out", key));
            }
        }
        if S::Signal::NAME != "rspamd" && self.actions.is_some() {
            return Err(at("only rspamd asks for actions", "actions"));
        }
        if S::Signal::NAME == "clamav" && self.min_score.is_some() {
            return Err(at("ClamAV gives no scores", "min_score"));
        }
        let names = ScanResult::ALL.map(ScanResult::as_str);
        let results = known(
            "result",
            "results",
            &names,
            self.results.unwrap_or_default(),
        )?;
        let results = results.into_iter().map(|index| ScanResult::ALL[index]);
        let actions = self.actions.unwrap_or_default();
        known("action", "actions", &ACTIONS, actions.clone())?;
        let symbols = self.symbols.unwrap_or_default();
        let symbols = symbols.iter().map(|symbol| Pattern::new(symbol));
        matcher = matcher
            .with_results(results)
            .with_actions(actions)
            .with_symbols(symbols);
        Ok(match self.min_score {
            Some(score) => matcher.with_min_score(score),
            None => matcher,
        })
    }
}

/// The known values that the names stand for.
fn known(
    what: &str,
    key: &str,
    known: &[&str],
    texts: Vec<String>,
) -> Result<Vec<usize>, InvalidFilter> {
    let found = texts.iter().enumerate().map(|(index, text)| {
        let found = known.iter().position(|known| known == text);
        found.ok_or_else(|| {
            let help = instead(what, text, known.iter().copied());
            InvalidFilter {
                message: format!("unknown {what} `{text}`: {help}"),
                at: vec![Step::Key(key.into()), Step::Item(index)],
            }
        })
    });
    found.collect()
}

fn at(message: impl Into<String>, key: &str) -> InvalidFilter {
    InvalidFilter {
        message: message.into(),
        at: vec![Step::Key(key.into())],
    }
}
