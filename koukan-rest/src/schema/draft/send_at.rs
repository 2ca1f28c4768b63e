//! When a message is to be sent: a time, or seconds since 1970.

use jiff::Timestamp;
use koukan_core::resource::Refusal;

use crate::schema::reader::Field;

/// The smallest number of seconds that is accepted: a time in 2001. Smaller numbers are probably
/// meant as seconds from now.
const SECONDS_MIN: i64 = 1_000_000_000;

/// Reads a `send_at`.
pub(in crate::schema) fn time(field: &Field<'_>) -> Result<Timestamp, Refusal> {
    let wanted = "a time like 2026-01-31T12:00:00Z, or seconds since 1970";
    if let Some(text) = field.value().as_str() {
        let parsed = text.parse();
        return parsed.map_err(|_| field.refuse(format!("must be {wanted}")));
    }
    let seconds = field.value().as_i64();
    let seconds = seconds.ok_or_else(|| field.mistyped(wanted))?;
    if seconds < SECONDS_MIN {
        return Err(field.refuse("must be seconds since 1970, and not from now"));
    }
    Timestamp::from_second(seconds).map_err(|_| field.refuse("is a time that never comes"))
}
