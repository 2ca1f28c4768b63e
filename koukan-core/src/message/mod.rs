//! The content of messages: those that the agent writes itself, and those that pass through it.
//!
//! | to | see |
//! |---|---|
//! | read and change header fields in a filter | [`header_fields`]; [`Transaction::edit_header`](crate::transaction::Transaction::edit_header) has an example |
//! | decide by header fields without changing them | [`header_section`] |
//! | add and remove fields in a body | [`header_edit`] |
//! | make a message from a description | [`builder`] |
//! | parse a message into its parts | [`parser`] |
//! | check how well formed a message is | [`validation`] |
//! | encode a message for hosts that do not accept all octets | [`downgrade`] |
//! | report failures, delays and deliveries | [`dsn`] |
//! | correct line ends, or put something before a message | [`line_ends`], [`opening`] |

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
