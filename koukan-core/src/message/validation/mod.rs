//! Checks how well formed a message is: [`Validator`].
//!
//! The message is read as it comes, with a limited amount of memory: the header section of the current
//! part, the beginning of a line, and the boundaries of the surrounding multiparts.
//!
//! A message reaches a [`Level`] if it has no problem that the level or a lower one excludes: see
//! [`Problem`].
//!
//! # Example
//!
//! ```
//! use koukan_core::message::validation::{Level, Problem, Validator};
//!
//! let mut validator = Validator::new();
//! validator.scan(b"From: a@example.com\r\nDate: Fri, 2 Jan 2026 03:04:05 +0000\r\n\r\n");
//! validator.scan(b"hello\r\n");
//! let report = validator.finish();
//! assert_eq!(report.level, Level::Basic);
//! assert_eq!(report.problems, [Problem::MessageIdMissing]);
//! ```

mod entities;
mod field_checks;
mod header;
mod leaf;
mod line;
mod problem;

pub use self::{
    leaf::File,
    line::Validator,
    problem::{Level, Problem},
};

use serde::{Deserialize, Serialize};

/// How many nested levels of multiparts and attached messages are looked into, unless
/// [`Validator::with_max_depth`] is set.
pub const MAX_DEPTH: usize = 20;
/// How many parts of a message are looked into.
pub const MAX_PARTS: usize = 1000;

/// The result for a message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ValidationReport {
    /// The highest level that it reaches.
    pub level: Level,
    /// Its problems, each once, the worst first.
    #[serde(default)]
    pub problems: Vec<Problem>,
    /// The number of parts in multiparts.
    #[serde(default)]
    pub parts: usize,
    /// The depth of nested multiparts and attached messages.
    #[serde(default)]
    pub depth: usize,
    /// The parts that are files, rather than displayed text: parts with a name, parts declared as attachments, and
    /// parts that are neither text nor multiparts.
    #[serde(default)]
    pub files: Vec<File>,
    /// Whether there are files that are not listed, or parts that were not looked into; or whether readers may
    /// treat a part differently, for example because it has two `Content-Type` fields.
    #[serde(default)]
    pub has_more_files: bool,
}
