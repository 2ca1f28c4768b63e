//! A value with its place in the file.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

/// A value that remembers its place in the file, so that error messages can name the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place<T> {
    /// The value.
    pub value: T,
    /// The line, from 1; 0 if the value is not from a file.
    pub line: u64,
    /// The column, from 1; 0 if the value is not from a file.
    pub column: u64,
}

impl<T> Place<T> {
    /// A value that is not from a file.
    pub fn nowhere(value: T) -> Self {
        Self {
            value,
            line: 0,
            column: 0,
        }
    }

    /// The place of the value.
    pub fn place(&self) -> Place<()> {
        self.with(())
    }

    /// Another value at this place.
    pub(crate) fn with<U>(&self, value: U) -> Place<U> {
        Place {
            value,
            line: self.line,
            column: self.column,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Place<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        Ok(Self {
            line: spanned.referenced.line(),
            column: spanned.referenced.column(),
            value: spanned.value,
        })
    }
}

impl<T: JsonSchema> JsonSchema for Place<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}
