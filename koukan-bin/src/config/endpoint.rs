//! The end of a chain: one of the agent's endpoints, or an embedder's.

use std::fmt;

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{self, EnumAccess, VariantAccess, Visitor},
};

use super::{
    Exploder, MailWebhook, Place, Rest, Smtp,
    node::{Node, Step},
};
use crate::registry::ENDPOINTS;

/// The end of a chain.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Endpoint {
    /// Makes one transaction for each recipient, and keeps it if it cannot be delivered at once.
    Exploder(Exploder),
    /// An SMTP server.
    Smtp(Box<Smtp>),
    /// An HTTP server that takes transactions: an application, or another part of this agent.
    Rest(Rest),
    /// An HTTP server that takes each message in one signed request, parsed.
    Webhook(MailWebhook),
    /// An endpoint that an embedder has added.
    #[schemars(skip)]
    Own(OwnEndpoint),
}

/// An endpoint that an embedder has added: its name and its configuration.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OwnEndpoint {
    /// The name under which it is registered.
    pub name: String,
    /// Its configuration; an empty object if there is none.
    pub config: serde_json::Value,
    /// Where the parts of the configuration are in the file.
    node: Place<Node>,
    /// Where the name is in the file, or where the endpoint begins.
    place: Place<()>,
}

impl OwnEndpoint {
    /// Its name, and the place of the name in the file.
    pub(super) fn placed_name(&self) -> Place<String> {
        self.place.with(self.name.clone())
    }

    /// Where in the file the part of the configuration is to which the steps lead.
    pub(super) fn place_of(&self, steps: &[Step]) -> Place<()> {
        self.node.value.find(steps, self.place)
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let placed = Place::<Option<Unplaced>>::deserialize(deserializer)?;
        let place = placed.place();
        // The same message as serde's for other types.
        let missing = || de::Error::custom("cannot deserialize null into an endpoint");
        Ok(match placed.value.ok_or_else(missing)? {
            Unplaced(Self::Own(own)) => Self::Own(OwnEndpoint { place, ..own }),
            Unplaced(endpoint) => endpoint,
        })
    }
}

/// An endpoint whose place in the file is not known.
struct Unplaced(Endpoint);

impl<'de> Deserialize<'de> for Unplaced {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_enum("Endpoint", &ENDPOINTS, ByName)
    }
}

struct ByName;

impl<'de> Visitor<'de> for ByName {
    type Value = Unplaced;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an endpoint")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Unplaced, A::Error> {
        let (name, settings) = data.variant::<String>()?;
        Ok(Unplaced(match name.as_str() {
            "exploder" => Endpoint::Exploder(settings.newtype_variant()?),
            "smtp" => Endpoint::Smtp(settings.newtype_variant()?),
            "rest" => Endpoint::Rest(settings.newtype_variant()?),
            "webhook" => Endpoint::Webhook(settings.newtype_variant()?),
            _ => {
                let node = settings.newtype_variant::<Place<Node>>()?;
                let config = match node.value.to_value() {
                    serde_json::Value::Null => serde_json::Value::Object(serde_json::Map::new()),
                    config => config,
                };
                Endpoint::Own(OwnEndpoint {
                    name,
                    config,
                    node,
                    place: Place::nowhere(()),
                })
            }
        }))
    }
}
