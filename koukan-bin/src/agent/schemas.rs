//! Schemas for the configurations of an embedder's parts.

use serde_json::Value;

use super::Builder;

impl Builder {
    /// Gives the JSON Schema of the configuration of an added [filter](Builder::filter). `koukan schema` then describes
    /// its keys like those of built-in filters, so that editors complete and explain them.
    ///
    /// The schema can be written by hand, or derived: a `schemars::Schema` is accepted, too. References in it (`$ref`)
    /// that begin with `#` still mean the schema itself. `koukan check` does not use it: it reads the configuration by
    /// `Deserialize`.
    ///
    /// # Example
    ///
    /// ```
    /// use koukan::Koukan;
    /// use koukan_core::{middleware::{Next, from_fn}, reply::Reply, transaction::Transaction};
    /// use schemars::{JsonSchema, schema_for};
    /// use serde::Deserialize;
    /// use tower::BoxError;
    ///
    /// /// Defers mail of unknown clients.
    /// #[derive(Deserialize, JsonSchema)]
    /// #[serde(deny_unknown_fields)]
    /// struct Defer {
    ///     /// How many minutes a client is unknown.
    ///     minutes: u32,
    /// }
    ///
    /// async fn defer(_tx: Transaction, _next: Next) -> Result<Reply, BoxError> {
    ///     Ok(Reply::mailbox_busy())
    /// }
    ///
    /// let agent = Koukan::builder()
    ///     .filter("defer", |_: Defer| from_fn(defer))
    ///     .filter_schema("defer", schema_for!(Defer));
    /// ```
    pub fn filter_schema(mut self, name: &str, schema: impl Into<Value>) -> Self {
        self.given.registry.filter_schema(name, schema);
        self
    }

    /// Like [`Builder::filter_schema`], for an added [endpoint](Builder::endpoint).
    ///
    /// # Example
    ///
    /// ```
    /// use koukan::Koukan;
    /// use koukan_core::{reply::Reply, transaction::Transaction};
    /// use serde::Deserialize;
    /// use serde_json::json;
    /// use tower::{BoxError, service_fn};
    ///
    /// #[derive(Deserialize)]
    /// #[serde(deny_unknown_fields)]
    /// struct Mailbox {
    ///     directory: std::path::PathBuf,
    /// }
    ///
    /// async fn keep(_tx: Transaction) -> Result<Reply, BoxError> {
    ///     Ok(Reply::no_such_user())
    /// }
    ///
    /// let agent = Koukan::builder()
    ///     .endpoint("mailbox", |_: Mailbox| service_fn(keep))
    ///     .endpoint_schema("mailbox", json!({
    ///         "type": "object",
    ///         "properties": {
    ///             "directory": { "type": "string", "description": "Where the messages are written." },
    ///         },
    ///         "required": ["directory"],
    ///         "additionalProperties": false,
    ///     }));
    /// ```
    pub fn endpoint_schema(mut self, name: &str, schema: impl Into<Value>) -> Self {
        self.given.registry.endpoint_schema(name, schema);
        self
    }

    /// Like [`Builder::filter_schema`], for an added [rule of a router](Builder::router_rule).
    pub fn router_rule_schema(mut self, name: &str, schema: impl Into<Value>) -> Self {
        self.given.registry.router_rule_schema(name, schema);
        self
    }
}
