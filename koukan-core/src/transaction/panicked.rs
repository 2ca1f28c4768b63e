//! The error for a panic in a service.

use std::any::Any;

/// A service panicked: a bug that costs only this transaction.
#[derive(Debug, thiserror::Error)]
#[error("panicked: {0}")]
pub(crate) struct Panicked(String);

impl Panicked {
    pub(crate) fn new(panic: Box<dyn Any + Send>) -> Self {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Self(text.unwrap_or_else(|| "no message".into()))
    }
}
