//! Log lines for people.

use std::{
    error::Error,
    fmt::{self, Debug},
};

use koukan_core::{causes::Causes, middleware::trace};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, format::Writer},
    registry::LookupSpan,
};

use super::{
    escape,
    line::{self, MESSAGE, put},
    time,
};

/// Writes `time LEVEL span{name=value}: target: message name=value other="value with spaces"`. A
/// line that is written while a message is being worked on ends with the `id` of the message,
/// unless it already has one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Human;

impl<S> FormatEvent<S, Self> for Human
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Self>,
        writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let has_colours = writer.has_ansi_escapes();
        line::write(writer, |line| {
            let [dim, bold] = ["2", "1"].map(|style| Style::new(has_colours, style));
            dim.put(line, time::write_now);
            line.push(' ');
            let (level, colour) = level(*event.metadata().level());
            Style::new(has_colours, colour).put(line, |line| line.push_str(level));
            line.push(' ');
            if let Some(scope) = context.event_scope() {
                for span in scope.from_root() {
                    bold.put(line, |line| line.push_str(span.name()));
                    let extensions = span.extensions();
                    let fields = extensions.get::<FormattedFields<Self>>();
                    if let Some(fields) = fields.filter(|fields| !fields.is_empty()) {
                        bold.put(line, |line| line.push('{'));
                        line.push_str(fields);
                        bold.put(line, |line| line.push('}'));
                    }
                    dim.put(line, |line| line.push(':'));
                }
                line.push(' ');
            }
            line::with_target(event, |target| {
                dim.put(line, |line| line.push_str(target));
            });
            dim.put(line, |line| line.push(':'));
            line.push(' ');
            let mut fields = Fields::new(line, has_colours);
            event.record(&mut fields);
            fields.put_id();
            line.push('\n');
        })
    }
}

impl<'w> FormatFields<'w> for Human {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let has_colours = writer.has_ansi_escapes();
        line::write(writer, |line| {
            fields.record(&mut Fields::new(line, has_colours));
        })
    }
}

/// The level in five letters, and its colour.
fn level(level: Level) -> (&'static str, &'static str) {
    match level {
        Level::ERROR => ("ERROR", "31"),
        Level::WARN => (" WARN", "33"),
        Level::INFO => (" INFO", "32"),
        Level::DEBUG => ("DEBUG", "34"),
        Level::TRACE => ("TRACE", "35"),
    }
}

/// A style on a terminal: a code of ECMA-48, section 8.3.117.
#[derive(Debug, Clone, Copy)]
struct Style(Option<&'static str>);

impl Style {
    fn new(has_colours: bool, code: &'static str) -> Self {
        Self(has_colours.then_some(code))
    }

    fn put(self, line: &mut String, what: impl FnOnce(&mut String)) {
        let Self(Some(code)) = self else {
            return what(line);
        };
        for piece in ["\x1b[", code, "m"] {
            line.push_str(piece);
        }
        what(line);
        line.push_str("\x1b[0m");
    }
}

/// The fields of an event or a span.
struct Fields<'a> {
    line: &'a mut String,
    has_colours: bool,
    is_empty: bool,
    has_id: bool,
}

impl<'a> Fields<'a> {
    fn new(line: &'a mut String, has_colours: bool) -> Self {
        Self {
            line,
            has_colours,
            is_empty: true,
            has_id: false,
        }
    }

    fn put_name(&mut self, name: &str) {
        if !self.is_empty {
            self.line.push(' ');
        }
        self.is_empty = false;
        self.has_id |= name == "id";
        if name != MESSAGE {
            let [italic, dim] = ["3", "2"].map(|style| Style::new(self.has_colours, style));
            italic.put(self.line, |line| line.push_str(name));
            dim.put(self.line, |line| line.push('='));
        }
    }

    /// Adds a field whose value may need quotes.
    fn add(&mut self, field: &Field, value: impl FnOnce(&mut String)) {
        let Some(name) = line::shown_name(field) else {
            return;
        };
        self.put_name(name);
        let start = self.line.len();
        value(self.line);
        if name == MESSAGE {
            escape::settle_message(self.line, start);
        } else {
            escape::settle_value(self.line, start);
        }
    }

    /// Adds a field whose value never needs quotes.
    fn add_plain(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if let Some(name) = line::shown_name(field) {
            self.put_name(name);
            put(self.line, value);
        }
    }

    /// Adds the id of the message that is being worked on, unless it is there.
    fn put_id(&mut self) {
        if !self.has_id
            && let Some(id) = trace::current()
        {
            self.put_name("id");
            put(self.line, format_args!("{id}"));
        }
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add_plain(field, format_args!("{value:?}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add_plain(field, format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add_plain(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add_plain(field, format_args!("{value}"));
    }

    fn record_str(&mut self, field: &Field, text: &str) {
        self.add(field, |line| line.push_str(text));
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        self.add(field, |line| match error.source() {
            // Also lists, which are passed as errors.
            None => put(line, format_args!("{error}")),
            Some(_) => put(line, format_args!("{}", Causes(error))),
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, |line| put(line, format_args!("{value:?}")));
    }
}
