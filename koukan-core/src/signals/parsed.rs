//! The parsed message.

use std::sync::Arc;

use crate::message::parser::ParsedMessage;

/// The signal with the parsed message. It is set before the message's first octet goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed(pub Arc<ParsedMessage>);
