//! The error for a column that cannot be read.

use std::sync::Arc;

use crate::BoxError;
use serde::{Deserialize, Serialize};

/// A column has a value that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("column {column} cannot be read")]
pub(crate) struct Malformed {
    column: &'static str,
    #[source]
    source: BoxError,
}

impl Malformed {
    pub(super) fn new(column: &'static str, source: impl Into<BoxError>) -> Self {
        Self {
            column,
            source: source.into(),
        }
    }
}

pub(super) fn to_json(value: &impl Serialize) -> Arc<str> {
    let json = serde_json::to_string(value);
    json.expect("rows have texts for keys").into()
}

pub(super) fn from_json<'j, T: Deserialize<'j>>(
    column: &'static str,
    json: &'j str,
) -> Result<T, Malformed> {
    serde_json::from_str(json).map_err(|error| Malformed::new(column, error))
}
