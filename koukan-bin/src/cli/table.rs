//! Parts for tables made from the JSON of the REST API.

use std::fmt::Write;

use jiff::Timestamp;
use koukan_core::clock::{Clock, SystemClock};
use serde_json::Value;

/// Rows with columns of equal width; the last column is not padded.
pub(super) fn aligned<'a, const N: usize>(
    rows: impl IntoIterator<Item = &'a [String; N]>,
) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// How long it is until a time; empty if there is none.
pub(super) fn until(time: &Value) -> String {
    distance(time).map_or_else(String::new, |distance| match distance.strip_prefix('-') {
        Some(until) => format!("in {until}"),
        None => "due".into(),
    })
}

/// How long ago a time was; with a minus if it is in the future.
pub(super) fn distance(time: &Value) -> Option<String> {
    let time: Timestamp = time.as_str()?.parse().ok()?;
    let seconds = SystemClock.now().duration_since(time).as_secs();
    let (sign, seconds) = (if seconds < 0 { "-" } else { "" }, seconds.unsigned_abs());
    Some(match seconds {
        0..=119 => format!("{sign}{seconds}s"),
        120..=7199 => format!("{sign}{}m", seconds / 60),
        7200..=172_799 => format!("{sign}{}h", seconds / 3600),
        _ => format!("{sign}{}d", seconds / 86_400),
    })
}

/// A time without fractions of a second.
pub(super) fn time(value: &Value) -> String {
    let whole = text(value).split('.').next().unwrap_or_default();
    match whole {
        "" => String::new(),
        whole => format!("{}Z", whole.trim_end_matches('Z')),
    }
}

/// A reply in one line.
pub(super) fn reply(reply: &Value) -> String {
    match reply["code"].as_u64() {
        Some(code) => format!("{code} {}", text(&reply["message"]).replace('\n', " ")),
        None => String::new(),
    }
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(super) fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
