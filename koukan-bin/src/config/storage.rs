//! Where transactions are kept.

use std::{fmt, path::PathBuf, time::Duration};

use schemars::{JsonSchema, Schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::json;

use super::{ByteSize, HumanDuration, Place, Postgres, schema::or_short_form};

/// The default reserve, in octets.
const RESERVE: u64 = 64 << 20;

/// The default for how long before its time a message is accepted.
const MAX_SEND_AT: Duration = Duration::from_secs(30 * 24 * 3600);

/// The word for storage in memory.
const MEMORY: &str = "memory";

/// Where transactions are kept: in a database; or, with `memory`, in memory until the agent stops.
/// `storage: memory` is the short form.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(remote = "Self", default, deny_unknown_fields)]
#[schemars(transform = or_memory)]
#[non_exhaustive]
pub struct Storage {
    /// The SQLite database; the file and its directory are created if they do not exist.
    #[schemars(with = "Option<String>")]
    pub sqlite: Option<Place<PathBuf>>,
    /// The PostgreSQL database, instead of one of SQLite.
    pub postgres: Option<Postgres>,
    /// How much must stay free on the file system of the database. While less is free, new mail and uploads are
    /// refused with 452 or 503, so that what is queued can still be delivered. Default `64MiB`.
    #[schemars(with = "Option<ByteSize>")]
    pub reserve: Option<Place<ByteSize>>,
    /// Whether transactions may be kept in memory only, so that everything that is queued is lost
    /// when the agent stops. Default `false`.
    pub memory: bool,
    /// The directory for message bodies that do not fit into memory. Default: that of the database;
    /// without one, the system's directory for temporary files.
    #[schemars(with = "Option<String>")]
    pub spill: Option<Place<PathBuf>>,
    /// The memory for the bodies of running transactions, in all. Clients share seven eighths of
    /// it, and get 452 beyond that. Default `256MiB`.
    pub memory_budget: Option<ByteSize>,
    /// The disk space for the bodies of running transactions that spill, in all; it is shared in
    /// the same way. Default: half of what is free there at the start, but at least `1GiB`.
    pub spill_budget: Option<ByteSize>,
    /// The memory for the bodies of running transactions, in all, above which they spill. Default `24MiB`.
    pub spill_above: Option<ByteSize>,
    /// The memory for the body of one running transaction when bodies spill. Default `256KiB`.
    pub body_window: Option<ByteSize>,
    /// How long things are kept that are no longer needed.
    pub retention: Retention,
    /// How long before its time (`send_at`) a message is accepted at most. Default `30d`.
    pub max_send_at: Option<HumanDuration>,
    /// Events, for readers of `/events`: each change of the state of a transaction or recipient,
    /// written in the same commit. They are kept if this key is present, even as `{}`.
    pub events: Option<Events>,
}

impl Storage {
    /// How many octets must stay free.
    pub(crate) fn reserve(&self) -> u64 {
        self.reserve.map_or(RESERVE, |size| size.value.0)
    }

    /// Whether space is reserved for what is queued already.
    pub(crate) fn has_reserve(&self) -> bool {
        self.sqlite.is_some() && self.reserve() > 0
    }

    /// How long before its time a message is accepted.
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

/// Reads a mapping, or the word.
struct Shape;

impl<'de> Visitor<'de> for Shape {
    type Value = Storage;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{{ sqlite: FILE }}`, `{{ postgres: … }}` or `{MEMORY}`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Storage, E> {
        if text.contains("://") {
            // The URL may hold a password, so it is not shown.
            return Err(E::custom(
                "a URL alone is no storage: write `{ postgres: \"postgres://…\" }`",
            ));
        }
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
        // Calls the derived implementation, under its other name.
        Storage::deserialize(MapAccessDeserializer::new(map))
    }
}

/// Extends the schema of the mapping by the word.
fn or_memory(schema: &mut Schema) {
    or_short_form(schema, &json!({ "const": MEMORY }));
}

/// How events are kept.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Events {
    /// Whether a client waits until the events of its message are stored, even if the message is delivered at
    /// once, so that no crash loses them. Default `false`: they are written some time later.
    pub durable: bool,
    /// How long they are kept.
    pub retention: EventRetention,
}

/// How long events are kept: until one of these limits is exceeded.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EventRetention {
    /// The greatest age of an event. Default `7d`.
    pub age: Option<HumanDuration>,
    /// The most events. Default 100,000.
    pub count: Option<u64>,
}

/// How long things are kept that are no longer needed.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Retention {
    /// The outcomes of finished transactions. Default `1d`.
    pub finished: Option<HumanDuration>,
    /// Bodies that no transaction refers to. Default `1h`.
    pub orphaned: Option<HumanDuration>,
}
