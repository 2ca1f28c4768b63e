//! The content of messages: those that the agent writes itself, and those that pass through it.

pub mod builder;
pub mod downgrade;
pub mod dsn;
pub mod header_edit;
pub mod header_fields;
pub mod header_section;
pub mod line_ends;
pub mod opening;
pub mod parser;
pub mod validation;

mod base64_lines;
mod quoted_printable;
mod token;
