//! Where transactions are kept.

use std::{fmt, path::PathBuf, time::Duration};

use schemars::{JsonSchema, Schema, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{ByteSize, HumanDuration, Place, Postgres};

/// What is to stay free unless it is said.
const RESERVE: u64 = 64 << 20;

/// How long before it is to be sent mail is taken unless it is said.
const MAX_SEND_AT: Duration = Duration::from_secs(30 * 24 * 3600);

/// The word that stands for storage in memory.
const MEMORY: &str = "memory";

/// Where transactions are kept: in a database, or with `memory`, also written in the place of all
/// of this, until the agent stops.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(remote = "Self", default, deny_unknown_fields)]
#[schemars(transform = or_memory)]
#[non_exhaustive]
pub struct Storage {
    /// The SQLite database; it and its directory are made if they are not there.
    #[schemars(with = "Option<String>")]
    pub sqlite: Option<Place<PathBuf>>,
    /// The PostgreSQL database, in place of one of SQLite.
    pub postgres: Option<Postgres>,
    /// What is to stay free on the file system of the database: while less is, new mail and uploads
    /// are refused with 452 or 503, so that what is queued can be delivered. Default `64MiB`.
    pub reserve: Option<ByteSize>,
    /// Whether transactions may be kept in memory alone, so that all that is queued is lost when
    /// the agent stops. Default `false`.
    pub memory: bool,
    /// The directory for message bodies that do not fit into memory. Default: that of the
    /// database, else the system's for temporary files.
    #[schemars(with = "Option<String>")]
    pub spill: Option<Place<PathBuf>>,
    /// Memory for the bodies of transactions under way, in all; clients share seven eighths of it, and
    /// are put off with 452 beyond. Default `256MiB`.
    pub memory_budget: Option<ByteSize>,
    /// Room for the bodies of transactions under way that spill, in all, shared in the same way.
    /// Default: half of what is free where they spill at the start, `1GiB` at least.
    pub spill_budget: Option<ByteSize>,
    /// Memory for the bodies of transactions under way, in all, beyond which they spill. Default
    /// `24MiB`.
    pub spill_above: Option<ByteSize>,
    /// Memory for the body of one transaction under way when bodies spill. Default `256KiB`.
    pub body_window: Option<ByteSize>,
    /// How long things are kept that are no longer of use.
    pub retention: Retention,
    /// How long before it is to be sent (`send_at`) mail is taken, at most. Default `30d`.
    pub max_send_at: Option<HumanDuration>,
    /// Events: each change of a transaction's or a recipient's state, in the same commit, for those who
    /// read `/events`. Kept where this is there, if only as `{}`.
    pub events: Option<Events>,
}

impl Storage {
    /// Octets that are to stay free.
    pub(crate) fn reserve(&self) -> u64 {
        self.reserve.map_or(RESERVE, |size| size.0)
    }

    /// How long before it is to be sent mail is taken.
    pub(crate) fn max_send_at(&self) -> Duration {
        self.max_send_at.map_or(MAX_SEND_AT, |max| max.0)
    }

    /// Whether transactions are kept at all.
    pub(super) fn keeps(&self) -> bool {
        self.memory || self.sqlite.is_some() || self.postgres.is_some()
    }
}

impl<'de> Deserialize<'de> for Storage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shape)
    }
}

/// A mapping, or the word.
struct Shape;

impl<'de> Visitor<'de> for Shape {
    type Value = Storage;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{{ sqlite: FILE }}`, `{{ postgres: … }}` or `{MEMORY}`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Storage, E> {
        if text != MEMORY {
            return Err(E::custom(format!(
                "`{text}` is no storage: write `{MEMORY}`, or `sqlite: FILE` with a blank after the colon"
            )));
        }
        Ok(Storage {
            memory: true,
            ..Storage::default()
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Storage, A::Error> {
        // What is derived, by its other name.
        Storage::deserialize(MapAccessDeserializer::new(map))
    }
}

/// What the schema of the mapping becomes.
fn or_memory(schema: &mut Schema) {
    let description = schema.remove("description");
    let mapping = std::mem::take(schema);
    *schema = json_schema!({
        "description": description,
        "anyOf": [{ "const": MEMORY }, mapping],
    });
}

/// How events are kept.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Events {
    /// Whether a client waits for the events of a message that is delivered at once, so that no crash
    /// loses them. Default `false`: they are written some time later.
    pub durable: bool,
    /// How long they are kept.
    pub retention: EventRetention,
}

/// How long events are kept: until one of these is exceeded.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EventRetention {
    /// How old they become. Default `7d`.
    pub age: Option<HumanDuration>,
    /// How many there are. Default 100,000.
    pub count: Option<u64>,
}

/// How long things are kept that are no longer of use.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Retention {
    /// What became of transactions that are over. Default `1d`.
    pub finished: Option<HumanDuration>,
    /// Bodies that no transaction refers to. Default `1h`.
    pub orphaned: Option<HumanDuration>,
}
