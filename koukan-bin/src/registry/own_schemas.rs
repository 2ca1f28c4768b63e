//! JSON Schemas for the configurations of parts that an embedder adds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::config::instead;

use super::Registry;

/// The schemas by the names of the parts.
#[derive(Clone, Default)]
pub(crate) struct OwnSchemas {
    pub(crate) filters: BTreeMap<String, Value>,
    pub(crate) endpoints: BTreeMap<String, Value>,
    pub(crate) rules: BTreeMap<String, Value>,
}

/// The schemas of parts that are not among the known ones.
fn stray(
    what: &str,
    schemas: &BTreeMap<String, Value>,
    known: BTreeSet<&str>,
) -> Vec<(String, String)> {
    let stray = schemas.keys().filter(|name| !known.contains(&***name));
    let told = stray.map(|name| {
        let message = format!("there is a schema for {what} `{name}`, which was not added");
        (message, instead(what, name, known.iter().copied()))
    });
    told.collect()
}

impl Registry {
    /// Gives the JSON Schema of a filter's configuration, which becomes part of that of the
    /// [whole configuration](crate::config::Config::json_schema_with). The filter may be added before or afterwards. If it
    /// is not, no configuration is accepted, as its errors say. Replaces an earlier schema of that name.
    ///
    /// The schema is for editors and readers. To check a configuration, the agent reads it by `Deserialize`.
    pub fn filter_schema(&mut self, name: &str, schema: impl Into<Value>) {
        let schemas = &mut self.own_schemas.filters;
        schemas.insert(name.to_owned(), schema.into());
    }

    /// Like [`Registry::filter_schema`], for an endpoint.
    pub fn endpoint_schema(&mut self, name: &str, schema: impl Into<Value>) {
        let schemas = &mut self.own_schemas.endpoints;
        schemas.insert(name.to_owned(), schema.into());
    }

    /// Like [`Registry::filter_schema`], for a rule of the filter `router`.
    pub fn router_rule_schema(&mut self, name: &str, schema: impl Into<Value>) {
        let schemas = &mut self.own_schemas.rules;
        schemas.insert(name.to_owned(), schema.into());
    }

    /// The schemas whose parts were not added: what is wrong, and what to do about it.
    pub(crate) fn stray_schemas(&self) -> Vec<(String, String)> {
        let OwnSchemas {
            filters,
            endpoints,
            rules,
        } = &self.own_schemas;
        let own_filters = self.names().filter(|name| !self.describes(name));
        [
            stray("filter", filters, own_filters.collect()),
            stray("endpoint", endpoints, self.endpoint_names().collect()),
            stray("router rule", rules, self.rule_names().collect()),
        ]
        .concat()
    }

    /// The schemas that were given.
    pub(crate) fn own_schemas(&self) -> &OwnSchemas {
        &self.own_schemas
    }
}
