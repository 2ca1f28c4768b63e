//! Some of a sender's transactions:
//! `{"transactions": [{"uri": …, "created": …, "transaction": …}], "next_cursor": …}`.

use jiff::Timestamp;
use koukan_core::resource::{ListState, Listed, ListedTransaction, Location};
use serde_json::{Value, json};

use super::{
    At, Malformed,
    reader::{Fields, text},
    transaction,
    uri::Base,
};

/// Writes a list, with URIs on `base`.
pub fn to_json(listed: &Listed, base: &Base) -> Value {
    let transactions = listed.transactions.iter();
    let transactions: Vec<_> = transactions
        .map(|listed| {
            json!({
                "uri": base.uri_of(&listed.location),
                "created": listed.created.to_string(),
                "transaction": transaction::to_json(&listed.view, base),
            })
        })
        .collect();
    let mut object = json!({"transactions": transactions});
    if let Some(next) = &listed.next {
        object["next_cursor"] = json!(next);
    }
    object
}

/// Reads a list, tolerantly.
///
/// # Errors
///
/// [`Malformed`].
pub fn from_json(value: Value) -> Result<Listed, Malformed> {
    let mut fields = Fields::of(value, &At::ROOT)?;
    let transactions = fields.require("transactions", |value, at| match value {
        Value::Array(elements) => {
            let elements = elements.into_iter().enumerate();
            elements
                .map(|(position, element)| entry(element, &at.index(position)))
                .collect()
        }
        _ => Err(at.malformed("must be an array")),
    })?;
    let next = fields.take_loose("next_cursor", text)?;
    Ok(Listed {
        transactions,
        next: next.map(Into::into),
    })
}

/// The name of a state, as it stands in a query.
pub fn state_name(state: ListState) -> &'static str {
    match state {
        ListState::Waiting => "waiting",
        ListState::Active => "active",
        ListState::Finished => "finished",
    }
}

/// The state of that name.
pub fn state_of_name(name: &str) -> Option<ListState> {
    use ListState::{Active, Finished, Waiting};
    let mut states = [Waiting, Active, Finished].into_iter();
    states.find(|state| state_name(*state) == name)
}

fn entry(value: Value, at: &At<'_>) -> Result<ListedTransaction, Malformed> {
    let mut fields = Fields::of(value, at)?;
    let location = Location::new(fields.require("uri", text)?);
    let created = fields.require("created", |value, at| {
        let created: Result<Timestamp, _> = text(value, at)?.parse();
        created.map_err(|_| at.malformed("must be a time, as in 2026-01-02T03:04:05Z"))
    })?;
    let view = fields.require("transaction", |value, _| transaction::from_json(value))?;
    Ok(ListedTransaction {
        location,
        created,
        view: Box::new(view),
    })
}
