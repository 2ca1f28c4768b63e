//! Times as numbers: microseconds since 1970.

use jiff::Timestamp;

pub(crate) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// The time `micros` microseconds after 1970, or the nearest that can be represented.
pub(crate) fn from_micros(micros: i64) -> Timestamp {
    let nearest = if micros < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_microsecond(micros).unwrap_or(nearest)
}
