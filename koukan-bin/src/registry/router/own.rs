//! Rules of routers that an embedder adds.

use std::{collections::BTreeMap, sync::Arc};

use koukan_core::filter::router::Policy;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower::BoxError;

use super::{Router, Rule};
use crate::{
    config::{Step, instead},
    registry::{InvalidFilter, Surroundings, caught::caught, of_building, of_reading},
};

/// The built-in rules.
pub(super) const RULES: [&str; 9] = [
    "accept_all",
    "address_list",
    "aliases",
    "dest_domain",
    "host_list",
    "literal",
    "srs",
    "static_hosts",
    "suffix",
];

type Build = dyn Fn(&Value, &Surroundings) -> Result<Arc<dyn Policy>, InvalidFilter> + Send + Sync;

/// For each added rule's name, how to make it from its configuration.
#[derive(Clone, Default)]
pub(in crate::registry) struct OwnRules(BTreeMap<String, Arc<Build>>);

impl OwnRules {
    /// Adds a rule; replaces an earlier one with that name.
    pub(in crate::registry) fn add<C, P, E>(
        &mut self,
        name: &str,
        build: impl Fn(C, &Surroundings) -> Result<P, E> + Send + Sync + 'static,
    ) where
        C: DeserializeOwned,
        P: Policy,
        E: Into<BoxError>,
    {
        assert!(
            !RULES.contains(&name),
            "`{name}` is a rule of the agent's own"
        );
        let build = move |config: &Value, surroundings: &Surroundings| {
            let config = serde_path_to_error::deserialize(config).map_err(of_reading)?;
            let policy = build(config, surroundings).map_err(|error| of_building(error.into()))?;
            Ok(Arc::new(policy) as Arc<dyn Policy>)
        };
        self.0.insert(name.to_owned(), Arc::new(build));
    }

    /// The names of the added rules.
    pub(in crate::registry) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Reads the configuration of a router.
    pub(super) fn read(&self, config: &Value) -> Result<Router, InvalidFilter> {
        if let Some(mistake) = self.unknown(config) {
            return Err(mistake);
        }
        read(config, |name| self.0.contains_key(name)).map_err(of_reading)
    }

    /// The error for an unknown rule, if an embedder has added rules: serde's error would only list
    /// the built-in ones.
    fn unknown(&self, config: &Value) -> Option<InvalidFilter> {
        if self.0.is_empty() {
            return None;
        }
        let rules = config.get("rules")?.as_array()?.iter().enumerate();
        let mut named = rules.filter_map(|(index, rule)| Some((index, name_of(rule)?)));
        let is_known = |name: &str| RULES.contains(&name) || self.0.contains_key(name);
        let (index, name) = named.find(|(_, name)| !is_known(name))?;
        let all = RULES.into_iter().chain(self.0.keys().map(String::as_str));
        let help = instead("rule", name, all);
        Some(InvalidFilter {
            message: format!("unknown rule `{name}`: {help}"),
            at: vec![Step::Key("rules".into()), Step::Item(index)],
        })
    }

    pub(super) fn build(
        &self,
        name: &str,
        config: &Value,
        surroundings: &Surroundings,
    ) -> Result<Arc<dyn Policy>, InvalidFilter> {
        let unknown = || InvalidFilter::new(format!("unknown rule `{name}`"));
        let build = self.0.get(name).ok_or_else(unknown)?;
        caught(|| build(config, surroundings))
    }
}

/// Reads the configuration of a router in which rules with those names are an embedder's.
pub(super) fn read(
    config: &Value,
    is_own: impl Fn(&str) -> bool,
) -> Result<Router, serde_path_to_error::Error<serde_json::Error>> {
    let mut config = config.clone();
    let mut own = Vec::new();
    let rules = config.get_mut("rules").and_then(Value::as_array_mut);
    for (index, rule) in rules.into_iter().flatten().enumerate() {
        let Some(name) = name_of(rule).filter(|name| is_own(name)) else {
            continue;
        };
        let name = name.to_owned();
        // A rule without keys may be written as its name alone.
        let config = rule.get(&name).cloned().unwrap_or_else(|| json!({}));
        // A rule that can be read takes its place until then.
        *rule = json!({"accept_all": {}});
        own.push((index, Rule::Own { name, config }));
    }
    let mut router: Router = serde_path_to_error::deserialize(&config)?;
    for (index, rule) in own {
        router.rules[index] = rule;
    }
    Ok(router)
}

/// The name of a rule.
fn name_of(rule: &Value) -> Option<&str> {
    match rule {
        Value::String(name) => Some(name),
        Value::Object(keys) if keys.len() == 1 => keys.keys().next().map(String::as_str),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_every_agent_are_known() {
        for name in RULES.into_iter().chain(["unknown"]) {
            let config = json!({"rules": [{name: true}]});
            let told = OwnRules::default().read(&config).err().unwrap().message;
            let is_unknown = told.contains("unknown variant");
            let is_missing = name == "srs" && cfg!(not(feature = "mail-auth"));
            assert_eq!(is_unknown, name == "unknown" || is_missing, "{told}");
        }
    }
}
