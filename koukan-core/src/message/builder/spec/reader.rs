//! A JSON value with its path. It knows whether it comes from a client or from storage.

use std::borrow::Cow;

use serde_json::Value;

use super::super::SpecError;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    value: &'a Value,
    path: Path<'a>,
    is_stored: bool,
}

/// A path that is only written out for an error.
#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

type Path<'a> = Cow<'a, [Step<'a>]>;

impl<'a> Reader<'a> {
    /// A client's value, to which limits apply.
    pub(crate) fn root(value: &'a Value) -> Self {
        Self {
            value,
            path: Cow::Borrowed(&[]),
            is_stored: false,
        }
    }

    /// A stored value, which was checked when it was first read; parts may have been added since.
    pub(super) fn stored(value: &'a Value) -> Self {
        Self {
            is_stored: true,
            ..Self::root(value)
        }
    }

    /// Whether it was checked when it was taken.
    pub(super) fn is_stored(&self) -> bool {
        self.is_stored
    }

    /// Whether there is more than the limit for what clients give.
    pub(super) fn exceeds(&self, is: usize, max: usize) -> bool {
        is > max && !self.is_stored
    }

    fn step(&self, value: &'a Value, step: Step<'a>) -> Self {
        let mut path = self.path.to_vec();
        path.push(step);
        Self {
            value,
            path: Cow::Owned(path),
            is_stored: self.is_stored,
        }
    }

    /// An error here.
    pub(crate) fn error(&self, message: &str) -> SpecError {
        let mut path = String::new();
        for step in self.path.iter() {
            match step {
                Step::Key(key) if path.is_empty() => path.push_str(&harmless(key)),
                Step::Key(key) => path.extend([".", &*harmless(key)]),
                Step::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        SpecError {
            path: path.into(),
            message: message.into(),
        }
    }

    /// An error since the key that leads here is not known.
    pub(crate) fn unknown_key(&self) -> SpecError {
        self.error("there is no such key: remove it")
    }

    fn wrong_type(&self, expected: &str) -> SpecError {
        let is = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        self.error(&format!("must be {expected}, not {is}"))
    }

    pub(crate) fn is_object(&self) -> bool {
        self.value.is_object()
    }

    pub(crate) fn is_string(&self) -> bool {
        self.value.is_string()
    }

    /// The keys and values of an object.
    pub(crate) fn object(&self, expected: &str) -> Result<Vec<(&'a str, Self)>, SpecError> {
        let object = self.value.as_object();
        let object = object.ok_or_else(|| self.wrong_type(expected))?;
        let entries = object.iter();
        Ok(entries
            .map(|(key, value)| (key.as_str(), self.step(value, Step::Key(key))))
            .collect())
    }

    /// The elements of an array.
    pub(crate) fn array(&self, expected: &str) -> Result<Vec<Self>, SpecError> {
        let array = self.value.as_array();
        let array = array.ok_or_else(|| self.wrong_type(expected))?;
        let elements = array.iter().enumerate();
        Ok(elements
            .map(|(index, value)| self.step(value, Step::Index(index)))
            .collect())
    }

    pub(crate) fn string(&self, expected: &str) -> Result<&'a str, SpecError> {
        self.value.as_str().ok_or_else(|| self.wrong_type(expected))
    }

    pub(crate) fn integer(&self, expected: &str) -> Result<i64, SpecError> {
        self.value.as_i64().ok_or_else(|| self.wrong_type(expected))
    }

    /// A string of `max` octets at most without control characters; a TAB is a space.
    pub(crate) fn text(&self, expected: &str, max: usize) -> Result<Cow<'a, str>, SpecError> {
        let text = self.string(expected)?;
        if self.exceeds(text.len(), max) {
            return Err(self.error(&format!("may have {max} octets, not {}", text.len())));
        }
        if text.chars().any(|c| c.is_control() && c != '\t') {
            return Err(self.error("must not have control characters such as line ends"));
        }
        Ok(match text.contains('\t') {
            true => text.replace('\t', " ").into(),
            false => text.into(),
        })
    }
}

/// A key as an error may show it.
fn harmless(key: &str) -> String {
    let chars = key.chars().take(40);
    chars
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}
