//! Matchers by name.

mod addresses;
mod client;
mod findings;
mod header;
mod rate;

use std::{collections::BTreeMap, sync::Arc};

use koukan_core::filter::policy_action::{
    Matcher,
    matchers::{InvalidPath, NumRcpts, OverTls, WhichAddress},
};
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use tower::BoxError;

use super::{InvalidFilter, Surroundings, at};
use crate::{
    config::{Step, instead},
    registry::{caught::caught, of_building, of_reading},
};

pub(in crate::registry) use self::rate::{check_max_keys, rate_keys};

use self::{
    addresses::address_list,
    client::{network_address, smtp_auth},
    findings::{earlier, signal},
    header::header,
    rate::rate,
};

type Build = dyn Fn(&Value, &Surroundings) -> Result<Arc<dyn Matcher>, InvalidFilter> + Send + Sync;

/// For each matcher's name, how to make it from its configuration.
#[derive(Clone, Default)]
pub(in crate::registry) struct Matchers(BTreeMap<String, Arc<Build>>);

impl Matchers {
    /// Adds a matcher; replaces an earlier one with that name.
    pub(in crate::registry) fn add<C, M, E>(
        &mut self,
        name: &str,
        build: impl Fn(C) -> Result<M, E> + Send + Sync + 'static,
    ) where
        C: DeserializeOwned,
        M: Matcher,
        E: Into<BoxError>,
    {
        self.add_in(name, move |config, _| build(config));
    }

    /// Like [`Matchers::add`], for a matcher that needs its surroundings.
    pub(in crate::registry) fn add_in<C, M, E>(
        &mut self,
        name: &str,
        build: impl Fn(C, &Surroundings) -> Result<M, E> + Send + Sync + 'static,
    ) where
        C: DeserializeOwned,
        M: Matcher,
        E: Into<BoxError>,
    {
        let build = move |config: &Value, surroundings: &Surroundings| {
            let config = serde_path_to_error::deserialize(config).map_err(of_reading)?;
            let matcher = build(config, surroundings).map_err(|error| of_building(error.into()))?;
            Ok(Arc::new(matcher) as Arc<dyn Matcher>)
        };
        self.0.insert(name.to_owned(), Arc::new(build));
    }

    /// Makes the matcher that the key `matcher` names, from the other keys.
    pub(super) fn build(
        &self,
        config: &Map<String, Value>,
        surroundings: &Surroundings,
        place: &[Step],
    ) -> Result<Arc<dyn Matcher>, InvalidFilter> {
        let below = |steps: &[Step]| [place, steps].concat();
        let at_name = || below(&[Step::Key("matcher".into())]);
        let Some(name) = config.get("matcher").and_then(Value::as_str) else {
            return Err(at("the name of a matcher is expected", at_name()));
        };
        let Some(build) = self.0.get(name) else {
            let help = instead("matcher", name, self.0.keys().map(String::as_str));
            return Err(at(format!("unknown matcher `{name}`: {help}"), at_name()));
        };
        let mut own = config.clone();
        own.remove("matcher");
        caught(|| build(&Value::Object(own), surroundings))
            .map_err(|error| at(error.message, below(&error.at)))
    }

    /// The built-in matchers.
    pub(in crate::registry) fn builtin() -> Self {
        let mut all = Self::default();
        all.add_in("network_address", network_address);
        for name in ["tls", "smtp_tls"] {
            all.add(name, |Nothing {}| Ok::<_, InvalidFilter>(OverTls));
        }
        all.add("smtp_auth", smtp_auth);
        all.add("num_rcpts", num_rcpts);
        for (name, which) in [
            ("invalid_mail_from", WhichAddress::MailFrom),
            ("invalid_rcpt_to", WhichAddress::RcptTo),
        ] {
            all.add(name, move |Nothing {}| {
                Ok::<_, InvalidFilter>(InvalidPath::new(which))
            });
        }
        all.add_in("address_list", address_list);
        all.add("header", header);
        all.add("rate", rate);
        all.add("signal", signal);
        all.add("policy_action", earlier);
        all
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    max_rcpts: usize,
}

fn num_rcpts(config: Count) -> Result<NumRcpts, InvalidFilter> {
    match config.max_rcpts {
        0 => {
            let text = "with 0 it matches for every recipient: name 1 or more";
            Err(at(text, vec![Step::Key("max_rcpts".into())]))
        }
        max => Ok(NumRcpts::new(max)),
    }
}

/// One value, or a list of them.
#[derive(Deserialize, Clone, JsonSchema)]
#[serde(untagged, expecting = "a text, or a list of texts, is expected")]
pub(in crate::registry) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    /// The values under that key, each with its place; there must be at least one.
    pub(in crate::registry) fn all(
        self,
        key: &str,
        none: &str,
    ) -> Result<Vec<(String, Vec<Step>)>, InvalidFilter> {
        let here = || vec![Step::Key(key.into())];
        match self {
            Self::One(one) => Ok(vec![(one, here())]),
            Self::Many(many) if many.is_empty() => Err(at(none, here())),
            Self::Many(many) => {
                let many = many.into_iter().enumerate();
                let placed = many.map(|(index, one)| {
                    let place = [here(), vec![Step::Item(index)]].concat();
                    (one, place)
                });
                Ok(placed.collect())
            }
        }
    }
}
