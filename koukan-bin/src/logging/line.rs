//! Builds a log line.

use std::{
    cell::Cell,
    fmt::{self, Write},
};

use tracing::{
    Event,
    field::{Field, Visit},
};
use tracing_subscriber::fmt::format::Writer;

/// The name of the field with the text of an event.
pub(super) const MESSAGE: &str = "message";

thread_local! {
    /// The buffer in which lines are built; it is kept, so that a line allocates nothing.
    static LINE: Cell<String> = const { Cell::new(String::new()) };
}

/// The most octets of the buffer that are kept.
const KEPT: usize = 4 << 10;

/// Writes to `writer` what `put` builds.
///
/// The line is built in a `String`, since a value must be checked and changed after it was written:
/// only then it is known whether it needs quotes or escapes.
pub(super) fn write(mut writer: Writer<'_>, put: impl FnOnce(&mut String)) -> fmt::Result {
    // While the buffer is taken, a value that logs something itself gets another one. A thread that
    // ends has none any more.
    let mut line = LINE.try_with(Cell::take).unwrap_or_default();
    line.clear();
    put(&mut line);
    let written = writer.write_str(&line);
    if line.capacity() <= KEPT {
        let _ = LINE.try_with(|kept| kept.set(line));
    }
    written
}

/// Adds a value. Writing to a string cannot fail; a value whose formatting fails is left incomplete.
pub(super) fn put(line: &mut String, value: fmt::Arguments<'_>) {
    let _ = line.write_fmt(value);
}

/// The name of a field as it is shown; `None` for fields that are not shown: those that records of
/// the `log` crate carry beside their text.
pub(super) fn shown_name(field: &Field) -> Option<&'static str> {
    let name = field.name();
    if name.starts_with("log.") {
        return None;
    }
    // A raw identifier, such as `type`.
    Some(name.strip_prefix("r#").unwrap_or(name))
}

/// The target of an event. Records of the `log` crate have a general target, and their own in a field.
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
