//! Fields in lines for people.

use std::{
    cell::Cell,
    error::Error,
    fmt::{self, Debug, Display, Write},
};

use tracing::field::{Field, Visit};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FormatFields, format::Writer},
};

use super::escape;

/// What stands for the text of an event itself.
const MESSAGE: &str = "message";

thread_local! {
    /// Where a value is written before it is known whether it needs quotes: kept, so that a line needs
    /// no memory of its own.
    static SCRATCH: Cell<String> = const { Cell::new(String::new()) };
}

/// What is kept of [`SCRATCH`] at most, in octets.
const SCRATCH_MAX: usize = 4 << 10;

/// Writes `message name=value other="value with spaces"`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plain;

impl<'w> FormatFields<'w> for Plain {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut line = Line {
            writer,
            is_empty: true,
            result: Ok(()),
        };
        fields.record(&mut line);
        line.result
    }
}

struct Line<'w> {
    writer: Writer<'w>,
    is_empty: bool,
    result: fmt::Result,
}

impl Line<'_> {
    /// Adds a field whose value may need quotes.
    fn add(&mut self, field: &Field, value: &dyn Display) {
        // While it is taken, whatever the value logs has another one.
        let mut text = SCRATCH.try_with(Cell::take).unwrap_or_default();
        text.clear();
        // A text takes all that is written to it.
        let _ = write!(text, "{value}");
        self.add_text(field, &text);
        if text.capacity() <= SCRATCH_MAX {
            // A thread that ends has none any more.
            let _ = SCRATCH.try_with(|scratch| scratch.set(text));
        }
    }

    fn add_text(&mut self, field: &Field, text: &str) {
        if field.name() == MESSAGE {
            self.add_with(field, |writer| writer.write_str(&escape::message(text)));
        } else {
            self.add_with(field, |writer| escape::write_value(writer, text));
        }
    }

    /// Adds a field whose value shows what it is, and where it ends.
    fn add_with(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        // What the `log` crate's records carry beside their text.
        let is_internal = field.name().starts_with("log.");
        if self.result.is_ok() && !is_internal {
            self.result = self.try_add(field.name(), value);
        }
    }

    fn try_add(
        &mut self,
        name: &str,
        value: impl FnOnce(&mut Writer<'_>) -> fmt::Result,
    ) -> fmt::Result {
        if !self.is_empty {
            self.writer.write_char(' ')?;
        }
        self.is_empty = false;
        if name != MESSAGE {
            // A raw identifier, such as `type`.
            let name = name.strip_prefix("r#").unwrap_or(name);
            if self.writer.has_ansi_escapes() {
                // The name in italics, the sign dimmed.
                write!(self.writer, "\x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m")?;
            } else {
                self.writer.write_str(name)?;
                self.writer.write_char('=')?;
            }
        }
        value(&mut self.writer)
    }
}

impl Visit for Line<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add_with(field, |writer| write!(writer, "{value:?}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add_with(field, |writer| write!(writer, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add_with(field, |writer| write!(writer, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add_with(field, |writer| write!(writer, "{value}"));
    }

    fn record_str(&mut self, field: &Field, text: &str) {
        self.add_text(field, text);
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        self.add(field, &WithCauses(error));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, &format_args!("{value:?}"));
    }
}

struct WithCauses<'a>(&'a (dyn Error + 'static));

impl Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
