//! The values of parameters.

#[cfg(feature = "postgres")]
use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value as Json;
use sqlx::{Arguments as _, sqlite::SqliteArguments};

#[cfg(feature = "postgres")]
use sqlx::postgres::{PgArguments, PgBindIterExt as _};

/// The values of a statement's parameters, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values(Vec<Value>);

/// A value. A null has a type, too.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Number(Option<i64>),
    Truth(bool),
    Text(Option<Text>),
    Octets(Option<Bytes>),
    Texts(Option<Vec<String>>),
    /// The values of one column for several rows. Only PostgreSQL takes these.
    Column(Kind, Vec<Value>),
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Number,
    Truth,
    Text,
    Octets,
}

#[derive(Debug, Clone)]
pub(crate) enum Text {
    Own(String),
    Shared(Arc<str>),
}

impl Values {
    pub(crate) fn add(&mut self, value: impl Into<Value>) -> &mut Self {
        self.0.push(value.into());
        self
    }

    /// The number of values.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The types by PostgreSQL's names.
    #[cfg(all(test, feature = "postgres"))]
    pub(crate) fn types(&self) -> Vec<&'static str> {
        let types = self.0.iter().map(|value| match value {
            Value::Number(_) => "bigint",
            Value::Truth(_) => "boolean",
            Value::Text(_) => "text",
            Value::Octets(_) => "bytea",
            Value::Texts(_) => "text[]",
            Value::Column(Kind::Number, _) => "bigint[]",
            Value::Column(Kind::Truth, _) => "boolean[]",
            Value::Column(Kind::Text, _) => "text[]",
            Value::Column(Kind::Octets, _) => "bytea[]",
        });
        types.collect()
    }

    /// Adds one column for several rows.
    pub(crate) fn add_column<V: Into<Value>>(
        &mut self,
        kind: Kind,
        values: impl IntoIterator<Item = V>,
    ) -> &mut Self {
        let values = values.into_iter().map(Into::into).collect();
        self.add(Value::Column(kind, values))
    }

    /// Takes rows of `width` values each that were added one after the other, and adds their
    /// columns.
    pub(crate) fn add_columns(&mut self, width: usize, rows: Self) -> &mut Self {
        let height = rows.0.len().div_ceil(width.max(1));
        let kinds = rows.0.iter().take(width).map(Kind::of);
        let mut columns: Vec<_> = kinds
            .map(|kind| (kind, Vec::with_capacity(height)))
            .collect();
        for (index, value) in rows.0.into_iter().enumerate() {
            columns[index % width].1.push(value);
        }
        let columns = columns.into_iter();
        self.0
            .extend(columns.map(|(kind, values)| Value::Column(kind, values)));
        self
    }

    pub(crate) fn into_sqlite(self) -> SqliteArguments {
        let mut arguments = SqliteArguments::default();
        for value in self.0 {
            let added = match value {
                Value::Number(number) => arguments.add(number),
                Value::Truth(truth) => arguments.add(truth),
                Value::Octets(octets) => arguments.add(octets.as_deref()),
                Value::Text(None) => arguments.add(None::<&str>),
                Value::Text(Some(Text::Own(text))) => arguments.add(text),
                Value::Text(Some(Text::Shared(text))) => arguments.add(text),
                Value::Texts(texts) => {
                    let texts = texts.map(|texts| Json::from(texts).to_string());
                    arguments.add(texts)
                }
                Value::Column(..) => unreachable!("rows are bound one by one"),
            };
            added.expect("texts, numbers and octets can be encoded");
        }
        arguments
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn into_postgres(self) -> PgArguments {
        let mut arguments = PgArguments::default();
        for value in self.0 {
            let added = match value {
                Value::Number(number) => arguments.add(number),
                Value::Truth(truth) => arguments.add(truth),
                Value::Octets(octets) => arguments.add(octets.as_deref()),
                Value::Text(text) => {
                    arguments.add(text.as_ref().map(|text| without_nul(text.as_str())))
                }
                Value::Texts(texts) => {
                    let mut texts = texts;
                    for text in texts.iter_mut().flatten() {
                        if let Cow::Owned(other) = without_nul(text) {
                            *text = other;
                        }
                    }
                    arguments.add(texts)
                }
                Value::Column(kind, values) => {
                    let values = values.iter();
                    match kind {
                        Kind::Number => arguments.add(values.map(Value::number).bind_iter()),
                        Kind::Truth => arguments.add(values.map(Value::truth).bind_iter()),
                        Kind::Text => arguments.add(values.map(Value::text).bind_iter()),
                        Kind::Octets => arguments.add(values.map(Value::octets).bind_iter()),
                    }
                }
            };
            added.expect("texts, numbers and octets can be encoded");
        }
        arguments
    }
}

impl Kind {
    fn of(value: &Value) -> Self {
        match value {
            Value::Number(_) => Self::Number,
            Value::Truth(_) => Self::Truth,
            Value::Text(_) => Self::Text,
            Value::Octets(_) => Self::Octets,
            Value::Texts(_) | Value::Column(..) => unreachable!("a row has single values"),
        }
    }
}

/// Values of a column, which have one type.
#[cfg(feature = "postgres")]
impl Value {
    fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => *number,
            _ => unreachable!("it is a column of numbers"),
        }
    }

    fn truth(&self) -> bool {
        match self {
            Self::Truth(truth) => *truth,
            _ => unreachable!("it is a column of truths"),
        }
    }

    fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => text.as_ref().map(|text| without_nul(text.as_str())),
            _ => unreachable!("it is a column of texts"),
        }
    }

    fn octets(&self) -> Option<&[u8]> {
        match self {
            Self::Octets(octets) => octets.as_deref(),
            _ => unreachable!("it is a column of octets"),
        }
    }
}

/// The text without NUL, which PostgreSQL cannot store: the replacement character takes its place.
#[cfg(feature = "postgres")]
fn without_nul(text: &str) -> Cow<'_, str> {
    match text.contains('\0') {
        true => text.replace('\0', "\u{fffd}").into(),
        false => text.into(),
    }
}

impl Text {
    #[cfg(feature = "postgres")]
    fn as_str(&self) -> &str {
        match self {
            Self::Own(text) => text,
            Self::Shared(text) => text,
        }
    }
}

// === Types of values ===

macro_rules! values {
    ($($of:ty, $value:ident => $made:expr;)*) => {$(
        impl From<$of> for Value {
            fn from($value: $of) -> Self {
                $made
            }
        }
    )*};
}

values! {
    i64, number => Self::Number(Some(number));
    Option<i64>, number => Self::Number(number);
    i32, number => Self::Number(Some(number.into()));
    bool, truth => Self::Truth(truth);
    &str, text => Self::Text(Some(Text::Own(text.into())));
    Option<&str>, text => Self::Text(text.map(|text| Text::Own(text.into())));
    String, text => Self::Text(Some(Text::Own(text)));
    Option<String>, text => Self::Text(text.map(Text::Own));
    Arc<str>, text => Self::Text(Some(Text::Shared(text)));
    Option<Arc<str>>, text => Self::Text(text.map(Text::Shared));
    Bytes, octets => Self::Octets(Some(octets));
    Option<Bytes>, octets => Self::Octets(octets);
    Option<&[u8]>, octets => Self::Octets(octets.map(Bytes::copy_from_slice));
    Vec<String>, texts => Self::Texts(Some(texts));
    Option<Vec<String>>, texts => Self::Texts(texts);
}
