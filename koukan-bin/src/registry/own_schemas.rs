//! JSON Schemas for the configurations of parts that an embedder adds.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Registry;

/// The schemas by the names of the parts.
#[derive(Clone, Default)]
pub(crate) struct OwnSchemas {
    pub(crate) filters: BTreeMap<String, Value>,
    pub(crate) endpoints: BTreeMap<String, Value>,
    pub(crate) rules: BTreeMap<String, Value>,
}

impl Registry {
    /// Gives the JSON Schema of a filter's configuration, which becomes part of that of the
    /// [whole configuration](crate::config::Config::json_schema_with). The filter may be added before or afterwards; the
    /// schema is used only if it is. Replaces an earlier schema of that name.
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

    /// The schemas that were given.
    pub(crate) fn own_schemas(&self) -> &OwnSchemas {
        &self.own_schemas
    }
}
