//! The fields of an event as members of an object.

use std::{
    error::Error,
    fmt::{Debug, Display},
};

use koukan_core::{causes::Causes, event::Recipient, lists::List};
use tracing::field::{Field, Visit};

/// Members that were recorded so far, each with a comma before it.
#[derive(Default)]
pub(super) struct Fields {
    members: String,
    /// The target of a record of the `log` crate, whose event has a general one.
    log_target: Option<String>,
}

impl Fields {
    pub(super) fn members(&self) -> &str {
        &self.members
    }

    pub(super) fn target(&self) -> Option<&str> {
        self.log_target.as_deref()
    }

    /// Adds a member whose value is JSON already.
    fn add(&mut self, field: &Field, value: &str) {
        // What the `log` crate's records carry beside their text.
        if field.name().starts_with("log.") {
            return;
        }
        // A raw identifier, such as `type`.
        let name = field.name();
        let name = name.strip_prefix("r#").unwrap_or(name);
        for piece in [",", &text(name), ":", value] {
            self.members.push_str(piece);
        }
    }

    fn add_list<T: Display>(&mut self, field: &Field, list: &List<T>) {
        let items: Vec<_> = list.0.iter().map(|item| text(&item.to_string())).collect();
        self.add(field, &format!("[{}]", items.join(",")));
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // There is no JSON for what is not finite.
        self.add(field, &serde_json::Value::from(value).to_string());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, &value.to_string());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, &value.to_string());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, &value.to_string());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "log.target" {
            self.log_target = Some(value.to_owned());
        }
        self.add(field, &text(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        if let Some(list) = value.downcast_ref::<List<Recipient>>() {
            self.add_list(field, list);
        } else if let Some(list) = value.downcast_ref::<List<String>>() {
            self.add_list(field, list);
        } else {
            self.add(field, &text(&Causes(value).to_string()));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, &text(&format!("{value:?}")));
    }
}

/// A string as JSON.
pub(super) fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
