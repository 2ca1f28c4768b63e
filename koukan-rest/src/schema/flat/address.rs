//! Addresses: a string, or an object with a name.

use std::collections::HashMap;

use koukan_core::{
    path::{ForwardPath, domain_key},
    resource::Refusal,
};
use serde_json::{Value, json};

use crate::schema::reader::Field;

/// An address, and the display name that goes with it.
pub(super) struct Address {
    pub(super) path: ForwardPath,
    name: Option<Box<str>>,
}

impl Address {
    /// The address as a message description has it.
    pub(super) fn to_json(&self) -> Value {
        let address = self.path.as_str();
        match &self.name {
            Some(name) => json!({"display_name": name, "address": address}),
            None => json!({"address": address}),
        }
    }
}

/// Reads an address.
pub(super) fn one(field: &Field<'_>) -> Result<Address, Refusal> {
    if field.value().is_string() {
        return Ok(Address {
            path: path(field)?,
            name: None,
        });
    }
    if !field.value().is_object() {
        return Err(field.mistyped("an address, or an object with `address` and `display_name`"));
    }
    let object = field.object(&["address", "display_name"])?;
    let name = object.get("display_name").map(|name| line(&name));
    Ok(Address {
        path: path(&object.require("address")?)?,
        name: name
            .transpose()?
            .filter(|name| !name.is_empty())
            .map(Into::into),
    })
}

/// Reads addresses: a list, or a single one.
pub(super) fn several(field: &Field<'_>) -> Result<Vec<Address>, Refusal> {
    match field.value() {
        Value::Array(_) => field.list()?.iter().map(one).collect(),
        _ => Ok(vec![one(field)?]),
    }
}

/// Reads text of one line.
pub(super) fn line<'a>(field: &Field<'a>) -> Result<&'a str, Refusal> {
    let text = field.text()?;
    // The text must not be able to start a header field or line of its own.
    match text.contains(char::is_control) {
        true => Err(field.refuse("must be one line, without line ends and control characters")),
        false => Ok(text),
    }
}

fn path(field: &Field<'_>) -> Result<ForwardPath, Refusal> {
    let text = field.text()?;
    if text.contains(['<', '>']) {
        let detail =
            "must be an address without < and >; a name goes into `display_name`, beside `address`";
        return Err(field.refuse(detail));
    }
    let path = text.parse::<ForwardPath>();
    let path = path.map_err(|why| {
        field.refuse(format!(
            "must be an address, as in alice@example.com: {why}"
        ))
    })?;
    match path.as_str().contains('@') {
        true => Ok(path),
        false => Err(field.refuse("must be an address with a domain, as in alice@example.com")),
    }
}

/// The recipients found so far; each may occur only once.
#[derive(Default)]
pub(super) struct Recipients {
    paths: Vec<ForwardPath>,
    /// The field in which each recipient was found.
    known: HashMap<String, String>,
}

impl Recipients {
    /// Reads the recipients of a field; returns them as a message description has them.
    pub(super) fn read(&mut self, field: &Field<'_>) -> Result<Value, Refusal> {
        let is_list = field.value().is_array();
        let addresses = several(field)?;
        for (index, address) in addresses.iter().enumerate() {
            let at = match is_list {
                true => format!("{}[{index}]", field.name()),
                false => field.name().to_owned(),
            };
            if let Some(first) = self.known.get(&key(&address.path)) {
                let detail = format!("is a recipient already, as {first}; leave it out");
                return Err(Refusal::malformed(detail).at(at));
            }
            self.known.insert(key(&address.path), at);
            self.paths.push(address.path.clone());
        }
        Ok(addresses.iter().map(Address::to_json).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    pub(super) fn into_paths(self) -> Vec<ForwardPath> {
        self.paths
    }
}

/// A key that is the same for the same mailbox: the spelling of the domain does not matter.
fn key(path: &ForwardPath) -> String {
    match path.as_str().rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain_key(domain)),
        None => path.as_str().to_owned(),
    }
}
