//! How well formed a message is: [`Validator`].
//!
//! The message is read as it comes, in memory that is bounded whatever it holds: the header section of the
//! part that is being read, the beginning of a line, and the boundaries of the multiparts around it.
//!
//! A [`Level`] is reached where nothing is wrong that it, or one below it, asks for: see [`Problem`].
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

/// Multiparts and attached messages within each other, at most, unless
/// [`Validator::with_max_depth`] says otherwise.
pub const MAX_DEPTH: usize = 20;
/// Parts of a message, at most.
pub const MAX_PARTS: usize = 1000;

/// What was found of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ValidationReport {
    /// The highest level that it reaches.
    pub level: Level,
    /// What is wrong with it, each once, the worst first.
    #[serde(default)]
    pub problems: Vec<Problem>,
    /// Parts that are in multiparts.
    #[serde(default)]
    pub parts: usize,
    /// Multiparts and attached messages within each other.
    #[serde(default)]
    pub depth: usize,
    /// Its parts that are files rather than text that is shown: those with a name, those that say that they are
    /// attachments, and those that are neither text nor made of parts.
    #[serde(default)]
    pub files: Vec<File>,
    /// Whether there are files that are not listed, or parts that were not looked into; or a part may be taken for
    /// something else than it is taken for here, as where it has two `Content-Type` fields.
    #[serde(default)]
    pub has_more_files: bool,
}
