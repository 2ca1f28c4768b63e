//! The message, taken apart.

use std::sync::Arc;

use crate::message::parser::ParsedMessage;

/// The signal by which a parser tells what is in the message; written before its first octet goes
/// on.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed(pub Arc<ParsedMessage>);
