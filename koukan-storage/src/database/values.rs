//! The values of parameters.

#[cfg(feature = "postgres")]
use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value as Json;
use sqlx::{Arguments as _, sqlite::SqliteArguments};

#[cfg(feature = "postgres")]
use sqlx::postgres::PgArguments;

/// The values of a statement's parameters, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values(Vec<Value>);

/// A value; a missing one is of a type, too.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Number(Option<i64>),
    Truth(bool),
    Text(Option<Text>),
    Octets(Option<Bytes>),
    Texts(Option<Vec<String>>),
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
            };
            added.expect("texts, numbers and octets can be encoded");
        }
        arguments
    }
}

/// A text as PostgreSQL can keep it: in place of NUL, which it cannot, stands the replacement character.
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

// === What can be a value ===

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
