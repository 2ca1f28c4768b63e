//! Reads JSON, and knows the path of each value for error messages.

use koukan_core::resource::Refusal;
use serde_json::{Map, Value};

/// A value and its path.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    value: &'a Value,
    place: Place<'a>,
}

/// An object and its path.
#[derive(Clone, Copy)]
pub(super) struct Object<'a> {
    map: &'a Map<String, Value>,
    field: &'a Field<'a>,
}

/// Where a value stands within its parent.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    Member(&'a Field<'a>, &'a str),
    Element(&'a Field<'a>, usize),
}

impl<'a> Field<'a> {
    /// A whole document.
    pub(super) fn root(value: &'a Value) -> Self {
        let place = Place::Root;
        Self { value, place }
    }

    /// The value as it is.
    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    /// Refuses the document because of this field.
    pub(super) fn refuse(&self, detail: impl Into<String>) -> Refusal {
        let refusal = Refusal::malformed(detail.into());
        match self.path() {
            path if path.is_empty() => refusal,
            path => refusal.at(path),
        }
    }

    /// Reads an object that may only have these members.
    pub(super) fn object(&self, known: &[&str]) -> Result<Object<'_>, Refusal> {
        let object = self.open_object()?;
        for member in object.members() {
            if !known.contains(&member.name()) {
                let known = known.join(", ");
                return Err(member.refuse(format!("is not known here; known are {known}")));
            }
        }
        Ok(object)
    }

    /// Reads an object that may have any members.
    pub(super) fn open_object(&self) -> Result<Object<'_>, Refusal> {
        match self.value {
            Value::Object(map) => Ok(Object { map, field: self }),
            _ => Err(self.mistyped("an object")),
        }
    }

    /// Reads a list that must not be empty.
    pub(super) fn list(&self) -> Result<Vec<Field<'_>>, Refusal> {
        match self.value {
            Value::Array(values) if values.is_empty() => {
                Err(self.refuse("must not be empty; leave it out instead"))
            }
            Value::Array(values) => {
                let element = |(index, value)| Field {
                    value,
                    place: Place::Element(self, index),
                };
                Ok(values.iter().enumerate().map(element).collect())
            }
            _ => Err(self.mistyped("a list")),
        }
    }

    /// Reads a string.
    pub(super) fn text(&self) -> Result<&'a str, Refusal> {
        self.value.as_str().ok_or_else(|| self.mistyped("a string"))
    }

    /// Reads a boolean.
    pub(super) fn flag(&self) -> Result<bool, Refusal> {
        self.value
            .as_bool()
            .ok_or_else(|| self.mistyped("true or false"))
    }

    /// Reads a whole number; `wanted` names what it stands for in error messages.
    pub(super) fn number<N: TryFrom<u64>>(&self, wanted: &str) -> Result<N, Refusal> {
        let number = self
            .value
            .as_u64()
            .and_then(|number| number.try_into().ok());
        number.ok_or_else(|| self.mistyped(wanted))
    }

    /// The refusal of a value of the wrong type.
    pub(super) fn mistyped(&self, wanted: &str) -> Refusal {
        let found = match self.value {
            Value::Null => {
                let detail = format!("must be {wanted}, not null; leave it out instead");
                return self.refuse(detail);
            }
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "this number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.refuse(format!("must be {wanted}, not {found}"))
    }

    /// The name of a member; empty for other values.
    pub(super) fn name(&self) -> &'a str {
        match self.place {
            Place::Member(_, name) => name,
            Place::Root | Place::Element(..) => "",
        }
    }

    /// *Shape*: for example `rcpt_to[0].m`; empty for the whole document.
    fn path(&self) -> String {
        match self.place {
            Place::Root => String::new(),
            Place::Element(list, index) => format!("{}[{index}]", list.path()),
            Place::Member(object, name) => match object.path() {
                path if path.is_empty() => name.to_owned(),
                path => format!("{path}.{name}"),
            },
        }
    }
}

impl<'a> Object<'a> {
    /// All members.
    pub(super) fn members(self) -> impl Iterator<Item = Field<'a>> {
        self.map.iter().map(move |(name, value)| Field {
            value,
            place: Place::Member(self.field, name),
        })
    }

    /// The member of that name, if there is one.
    pub(super) fn get(self, name: &'a str) -> Option<Field<'a>> {
        let place = Place::Member(self.field, name);
        self.map.get(name).map(|value| Field { value, place })
    }

    /// The member of that name; it is an error if it is missing.
    pub(super) fn require(self, name: &'a str) -> Result<Field<'a>, Refusal> {
        self.get(name).ok_or_else(|| {
            let place = Place::Member(self.field, name);
            let value = &Value::Null;
            Field { value, place }.refuse("is missing")
        })
    }

    /// The members, unparsed.
    pub(super) fn map(self) -> &'a Map<String, Value> {
        self.map
    }
}
