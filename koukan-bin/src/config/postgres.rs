//! The PostgreSQL database of storage.

use std::{fmt, path::PathBuf};

use schemars::{JsonSchema, Schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::json;

use super::{HumanDuration, Place, schema::or_short_form};

/// A PostgreSQL database, which several agents may share. The URL alone is the short form.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schemars(transform = or_url)]
#[non_exhaustive]
pub struct Postgres {
    /// The database, as in `postgres://user@host/database`. In place of the host, the directory of a Unix socket may
    /// be given, percent-encoded. What it leaves out is taken from the environment, as PostgreSQL's own programs do.
    #[schemars(with = "String")]
    pub url: Place<String>,
    /// A file with the password, instead of a password in the URL. It is read for each new connection.
    #[schemars(with = "Option<String>")]
    pub password_file: Option<Place<PathBuf>>,
    /// How connections are encrypted. Default `prefer`.
    pub tls: Option<PostgresTls>,
    /// A file with authorities whose certificates are trusted for the server, in PEM, in addition to those that are
    /// trusted anyway.
    #[schemars(with = "Option<String>")]
    pub ca_file: Option<Place<PathBuf>>,
    /// The most connections; a third of them write, and one shows that this agent is alive. Default 12; at least 2, at most
    /// 1000.
    #[schemars(with = "Option<u32>")]
    pub connections: Option<Place<u32>>,
    /// How long a statement may take; at least `1s`. Default `30s`.
    #[schemars(with = "Option<HumanDuration>")]
    pub statement_timeout: Option<Place<HumanDuration>>,
    /// How long a statement waits for a lock; less than it may take. Default `10s`, or half of a shorter
    /// `statement_timeout`.
    #[schemars(with = "Option<HumanDuration>")]
    pub lock_timeout: Option<Place<HumanDuration>>,
    /// How long an operation is repeated that fails for a time, for example while the server restarts; at most `10m`.
    /// Default `20s`.
    #[schemars(with = "Option<HumanDuration>")]
    pub patience: Option<Place<HumanDuration>>,
    /// How long an agent may be silent before others take over its work; from `1s` to `10m`. Default `6s`.
    #[schemars(with = "Option<HumanDuration>")]
    pub session_term: Option<Place<HumanDuration>>,
    /// Whether only this agent uses the database: others are kept out, and when this agent restarts after a crash, it
    /// takes up its work at once. Default `false`.
    #[serde(default)]
    pub alone: bool,
}

/// How connections to a database are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PostgresTls {
    /// Connections are not encrypted.
    Off,
    /// If the server offers TLS, with any certificate.
    Prefer,
    /// Always, with any certificate.
    Require,
    /// Always; the certificate must be of a trusted authority, but may be for any host. Anybody can get such a certificate.
    VerifyCa,
    /// Always; the certificate must be of a trusted authority and for the host of the URL.
    VerifyFull,
}

impl Postgres {
    /// The database of a URL, with defaults for everything else.
    fn of_url(url: Place<String>) -> Self {
        Self {
            url,
            password_file: None,
            tls: None,
            ca_file: None,
            connections: None,
            statement_timeout: None,
            lock_timeout: None,
            patience: None,
            session_term: None,
            alone: false,
        }
    }
}

impl<'de> Deserialize<'de> for Postgres {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let shape = Place::<Shape>::deserialize(deserializer)?;
        let place = shape.place();
        Ok(match shape.value {
            Shape::Url(url) => Self::of_url(place.with(url)),
            Shape::Mapping(postgres) => *postgres,
        })
    }
}

/// Either form.
enum Shape {
    Url(String),
    Mapping(Box<Postgres>),
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a URL as in `postgres://user@host/database`, or a mapping with `url`")
    }

    fn visit_str<E: Error>(self, url: &str) -> Result<Shape, E> {
        Ok(Shape::Url(url.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Shape, A::Error> {
        // Calls the derived implementation, under its other name.
        let postgres = Postgres::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Shape::Mapping(Box::new(postgres)))
    }
}

/// Extends the schema of the mapping by the URL.
fn or_url(schema: &mut Schema) {
    or_short_form(schema, &json!({ "type": "string" }));
}

/// Does not show the URL, which may hold the password.
impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("password_file", &self.password_file)
            .field("tls", &self.tls)
            .field("connections", &self.connections)
            .field("session_term", &self.session_term)
            .field("alone", &self.alone)
            .finish_non_exhaustive()
    }
}
