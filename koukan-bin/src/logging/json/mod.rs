//! Log lines in JSON.

mod members;
mod text;

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, format::Writer},
    registry::{LookupSpan, SpanRef},
};

use self::members::Members;
use super::{line, time};

/// Writes one object in each line: `timestamp`, `level`, the event's fields with its text as
/// `message`, `target`, `span` and, outermost first, `spans`. A line that is written while a
/// message is being worked on has the `id` of the message, unless it already has one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Json;

impl<S> FormatEvent<S, Self> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Self>,
        writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        line::write(writer, |line| {
            line.push_str("{\"timestamp\":\"");
            time::write_now(line);
            for piece in ["\",\"level\":\"", event.metadata().level().as_str(), "\""] {
                line.push_str(piece);
            }
            let mut members = Members::new(line);
            event.record(&mut members);
            members.put_id();
            line.push_str(",\"target\":");
            line::with_target(event, |target| {
                text::put(line, |line| line.push_str(target));
            });
            if let Some(span) = context.parent_span() {
                line.push_str(",\"span\":");
                put_span(line, &span);
                line.push_str(",\"spans\":[");
                let spans = context.event_scope().into_iter();
                for (index, span) in spans.flat_map(|scope| scope.from_root()).enumerate() {
                    line.push_str(if index == 0 { "" } else { "," });
                    put_span(line, &span);
                }
                line.push(']');
            }
            line.push_str("}\n");
        })
    }
}

/// What is stored for a span: its members, each with a comma before it.
impl<'w> FormatFields<'w> for Json {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        line::write(writer, |line| fields.record(&mut Members::new(line)))
    }
}

/// A span: its name, and its fields.
fn put_span<S: for<'a> LookupSpan<'a>>(line: &mut String, span: &SpanRef<'_, S>) {
    line.push_str("{\"name\":");
    text::put(line, |line| line.push_str(span.name()));
    if let Some(fields) = span.extensions().get::<FormattedFields<Json>>() {
        line.push_str(fields);
    }
    line.push('}');
}
