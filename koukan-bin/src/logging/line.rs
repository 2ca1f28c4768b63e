//! A line that is put together.

use std::{
    cell::Cell,
    fmt::{self, Write},
};

use tracing::{
    Event,
    field::{Field, Visit},
};
use tracing_subscriber::fmt::format::Writer;

/// What stands for the text of an event itself.
pub(super) const MESSAGE: &str = "message";

thread_local! {
    /// Where a line is put together: kept, so that a line needs no memory of its own.
    static LINE: Cell<String> = const { Cell::new(String::new()) };
}

/// What is kept of it at most, in octets.
const KEPT: usize = 4 << 10;

/// Writes to `writer` what `put` puts together.
///
/// In a `String` it can be looked at what a value has become, and changed: whether it needs quotes or
/// escapes is known only then.
pub(super) fn write(mut writer: Writer<'_>, put: impl FnOnce(&mut String)) -> fmt::Result {
    // While it is taken, whatever a value logs has another one. A thread that ends has none any more.
    let mut line = LINE.try_with(Cell::take).unwrap_or_default();
    line.clear();
    put(&mut line);
    let written = writer.write_str(&line);
    if line.capacity() <= KEPT {
        let _ = LINE.try_with(|kept| kept.set(line));
    }
    written
}

/// Adds a value. A text takes all that is written to it; a value that fails to show itself is left as it
/// is.
pub(super) fn put(line: &mut String, value: fmt::Arguments<'_>) {
    let _ = line.write_fmt(value);
}

/// The name of a field as it is shown; `None` where it is not: what records of the `log` crate carry
/// beside their text.
pub(super) fn shown_name(field: &Field) -> Option<&'static str> {
    let name = field.name();
    if name.starts_with("log.") {
        return None;
    }
    // A raw identifier, such as `type`.
    Some(name.strip_prefix("r#").unwrap_or(name))
}

/// Where an event comes from. Those of the `log` crate's records have a general target, and their own
/// in a field.
pub(super) fn with_target(event: &Event<'_>, put: impl FnOnce(&str)) {
    let target = event.metadata().target();
    if target != "log" {
        return put(target);
    }
    let mut own = LogTarget(None);
    event.record(&mut own);
    put(own.0.as_deref().unwrap_or(target));
}

struct LogTarget(Option<String>);

impl Visit for LogTarget {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "log.target" {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
