//! A value of any type that remembers the place of each of its parts in the file.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use super::Place;

/// A value with places.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// Neither a list nor a mapping.
    Scalar(Value),
    List(Vec<Place<Node>>),
    Mapping(Vec<(Place<String>, Place<Node>)>),
}

/// A step into a value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// To the value of a key.
    Key(String),
    /// To an item of a list, counted from 0.
    Item(usize),
}

impl Node {
    /// Whether nothing stands there.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Scalar(Value::Null))
    }

    /// The items; none if this is no list.
    pub(super) fn items(&self) -> &[Place<Self>] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The value of a key, if this is a mapping that has the key.
    pub(super) fn entry(&self, name: &str) -> Option<&Self> {
        let Self::Mapping(entries) = self else {
            return None;
        };
        let mut entries = entries.iter();
        let (_, node) = entries.find(|(key, _)| key.value == name)?;
        Some(&node.value)
    }

    /// The value without places.
    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Scalar(value) => value.clone(),
            Self::List(items) => items.iter().map(|item| item.value.to_value()).collect(),
            Self::Mapping(entries) => {
                let entries = entries.iter();
                let entries = entries.map(|(key, node)| (key.value.clone(), node.value.to_value()));
                Value::Object(entries.collect::<Map<_, _>>())
            }
        }
    }

    /// The place to which the steps lead, as far as they can be followed; `here` is the place of this value.
    pub(super) fn find(&self, steps: &[Step], here: Place<()>) -> Place<()> {
        let Some((first, rest)) = steps.split_first() else {
            return here;
        };
        match (self, first) {
            (Self::List(items), Step::Item(index)) => match items.get(*index) {
                Some(item) => item.value.find(rest, item.place()),
                None => here,
            },
            (Self::Mapping(entries), Step::Key(name)) => {
                let mut entries = entries.iter();
                match entries.find(|(key, _)| key.value == *name) {
                    // A problem with a whole value is reported at its key.
                    Some((key, node)) if rest.is_empty() => match node.value {
                        Self::Scalar(_) => node.place(),
                        _ => key.place(),
                    },
                    Some((key, node)) => node.value.find(rest, key.place()),
                    None => here,
                }
            }
            _ => here,
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Mapping(entries))
    }
}
