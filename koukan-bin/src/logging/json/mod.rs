//! Lines in JSON.

mod escaping;
mod fields;

pub(super) use self::escaping::Escaping;

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormattedFields,
        format::{FormatEvent, JsonFields, Writer},
        time::{FormatTime, SystemTime},
    },
    registry::{LookupSpan, SpanRef},
};

use self::fields::Fields;

/// Writes an object a line: `timestamp`, `level`, the event's fields with its text as `message`,
/// `target`, `span` and, from the outermost on, `spans`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Json;

impl<S> FormatEvent<S, JsonFields> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        writer.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut writer)?;
        write!(writer, "\",\"level\":\"{}\"", metadata.level())?;
        let mut fields = Fields::default();
        event.record(&mut fields);
        writer.write_str(fields.members())?;
        let target = fields.target().unwrap_or(metadata.target());
        write!(writer, ",\"target\":{}", fields::text(target))?;
        if let Some(span) = context.parent_span() {
            write!(writer, ",\"span\":{}", object(&span))?;
            let spans = context.event_scope().into_iter().flatten();
            writer.write_str(",\"spans\":[")?;
            // The scope begins with the innermost.
            let spans: Vec<_> = spans.map(|span| object(&span)).collect();
            for (index, span) in spans.iter().rev().enumerate() {
                let comma = if index == 0 { "" } else { "," };
                write!(writer, "{comma}{span}")?;
            }
            writer.write_str("]")?;
        }
        writer.write_str("}\n")
    }
}

/// A span: its fields, which were formatted when they were recorded, and its name.
fn object<S: for<'a> LookupSpan<'a>>(span: &SpanRef<'_, S>) -> String {
    let extensions = span.extensions();
    let formatted = extensions.get::<FormattedFields<JsonFields>>();
    let members = formatted.map_or("", |fields| fields.fields.as_str());
    let members = members.strip_prefix('{').unwrap_or(members);
    let members = members.strip_suffix('}').unwrap_or(members);
    let comma = if members.is_empty() { "" } else { "," };
    format!("{{{members}{comma}\"name\":{}}}", fields::text(span.name()))
}
