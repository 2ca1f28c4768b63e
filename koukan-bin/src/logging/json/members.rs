//! The fields of an event as members of an object.

use std::{
    error::Error,
    fmt::{self, Debug, Display},
};

use koukan_core::{causes::Causes, event::RecipientReplies, lists::List, middleware::trace};
use tracing::field::{Field, Visit};

use super::text;
use crate::logging::line::{self, put};

/// Adds members to a line, each with a comma before it.
pub(super) struct Members<'a> {
    line: &'a mut String,
    has_id: bool,
}

impl<'a> Members<'a> {
    pub(super) fn new(line: &'a mut String) -> Self {
        Self {
            line,
            has_id: false,
        }
    }

    /// Adds the id of the message that is being worked on, unless it is there.
    pub(super) fn put_id(&mut self) {
        if !self.has_id
            && let Some(id) = trace::current()
        {
            self.line.push_str(",\"id\":");
            text::put(self.line, |line| put(line, format_args!("{id}")));
        }
    }

    /// Adds a member whose value `put` writes as JSON.
    fn add(&mut self, field: &Field, put: impl FnOnce(&mut String)) {
        let Some(name) = line::shown_name(field) else {
            return;
        };
        self.has_id |= name == "id";
        self.line.push(',');
        text::put(self.line, |line| line.push_str(name));
        self.line.push(':');
        put(self.line);
    }

    fn add_number(&mut self, field: &Field, number: fmt::Arguments<'_>) {
        self.add(field, |line| put(line, number));
    }

    fn add_text(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        self.add(field, |line| text::put(line, |line| put(line, value)));
    }

    fn add_list<T: Display>(&mut self, field: &Field, List(items): &List<T>) {
        self.add(field, |line| {
            line.push('[');
            for (index, item) in items.iter().enumerate() {
                line.push_str(if index == 0 { "" } else { "," });
                text::put(line, |line| put(line, format_args!("{item}")));
            }
            line.push(']');
        });
    }
}

impl Visit for Members<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no numbers for infinity or NaN.
        match value.is_finite() {
            true => self.add_number(field, format_args!("{value:?}")),
            false => self.add_number(field, format_args!("null")),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add_number(field, format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add_number(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add_number(field, format_args!("{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, |line| text::put(line, |line| line.push_str(value)));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        if let Some(list) = value.downcast_ref::<List<RecipientReplies>>() {
            self.add_list(field, list);
        } else if let Some(list) = value.downcast_ref::<List<String>>() {
            self.add_list(field, list);
        } else {
            self.add_text(field, format_args!("{}", Causes(value)));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add_text(field, format_args!("{value:?}"));
    }
}
