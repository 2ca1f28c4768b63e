//! A builder of a filter, endpoint, rule or matcher that panics.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::config::PANICKED;

use super::InvalidFilter;

/// Calls a builder. If it panics, the error says so, and whoever called it adds the part's name and place: a
/// backtrace alone does not tell which part of a configuration it comes from.
///
/// What the builder shares with others may be left half changed, which is its own concern. The agent does not start.
pub(super) fn caught<T>(
    build: impl FnOnce() -> Result<T, InvalidFilter>,
) -> Result<T, InvalidFilter> {
    catch_unwind(AssertUnwindSafe(build)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("without a message");
        Err(InvalidFilter::new(format!("{PANICKED}{text}")))
    })
}
