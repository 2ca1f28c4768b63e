//! Fields in lines for people.

use std::{
    error::Error,
    fmt::{self, Debug, Write},
};

use tracing::field::{Field, Visit};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FormatFields, format::Writer},
};

use super::escape;

/// What stands for the text of an event itself.
const MESSAGE: &str = "message";

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
    fn add(&mut self, field: &Field, text: &str) {
        // What the `log` crate's records carry beside their text.
        let is_internal = field.name().starts_with("log.");
        if self.result.is_ok() && !is_internal {
            self.result = self.try_add(field.name(), text);
        }
    }

    fn try_add(&mut self, name: &str, text: &str) -> fmt::Result {
        if !self.is_empty {
            self.writer.write_char(' ')?;
        }
        self.is_empty = false;
        if name == MESSAGE {
            return self.writer.write_str(&escape::message(text));
        }
        // A raw identifier, such as `type`.
        let name = name.strip_prefix("r#").unwrap_or(name);
        let value = escape::value(text);
        if self.writer.has_ansi_escapes() {
            // The name in italics, the sign dimmed.
            write!(self.writer, "\x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m{value}")
        } else {
            write!(self.writer, "{name}={value}")
        }
    }
}

impl Visit for Line<'_> {
    fn record_str(&mut self, field: &Field, text: &str) {
        self.add(field, text);
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            // A text takes all that is written to it.
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        self.add(field, &text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, &format!("{value:?}"));
    }
}
