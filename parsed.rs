//! What `POST /transactions/{id}/message_builder` sends: the parsed message as it is.

use koukan_core::resource::{Location, Parsed};
use serde_json::Value;

use super::{At, Malformed, reader::anything};

/// Writes the parsed message; the version goes into a header.
pub fn to_json(parsed: &Parsed) -> &Value {
    &parsed.message
}

/// Reads the parsed message for the place that the path names: any object.
///
/// # Errors
///
/// [`Malformed`].
pub fn from_json(to: Location, value: Value) -> Result<Parsed, Malformed> {
    Ok(Parsed {
        to,
        if_match: None,
        message: Value::Object(anything(value, &At::ROOT)?),
    })
}
