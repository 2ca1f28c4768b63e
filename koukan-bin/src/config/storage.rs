//! Where transactions are kept.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ByteSize, HumanDuration};

/// Where transactions are kept.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// The SQLite database; it and its directory are made if they are not there. Without it,
    /// nothing outlives the process.
    pub sqlite: Option<PathBuf>,
    /// The directory for message bodies that do not fit into memory. Default: that of the
    /// database, else the system's for temporary files.
    pub spill: Option<PathBuf>,
    /// Memory for the bodies of transactions under way, in all; beyond it new ones are put off
    /// with 452. Default `256MiB`.
    pub memory_budget: Option<ByteSize>,
    /// Memory for the bodies of transactions under way, in all, beyond which they spill. Default
    /// `24MiB`.
    pub spill_above: Option<ByteSize>,
    /// Memory for the body of one transaction under way when bodies spill. Default `256KiB`.
    pub body_window: Option<ByteSize>,
    /// How long things are kept that are no longer of use.
    pub retention: Retention,
}

/// How long things are kept that are no longer of use.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// What became of transactions that are over. Default `1d`.
    pub finished: Option<HumanDuration>,
    /// Bodies that no transaction refers to. Default `1h`.
    pub orphaned: Option<HumanDuration>,
}
