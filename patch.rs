//! What `PATCH /transactions/{id}` sends.

use koukan_core::resource::{Append, Draft, Location};
use serde_json::{Map, Value, json};

use super::{
    At, Malformed, NotText, create, draft,
    reader::{Fields, count},
};

const OFFSET: &str = "rcpt_to_list_offset";

/// Writes what is added; the version goes into a header.
///
/// # Errors
///
/// [`NotText`].
pub fn to_json(append: &Append) -> Result<Value, NotText> {
    let mut object = Map::new();
    if let Some(offset) = append.rcpt_to_list_offset {
        object.insert(OFFSET.to_owned(), json!(offset));
    }
    draft::write(&append.draft, &mut object)?;
    Ok(Value::Object(object))
}

/// Reads what is added to `transaction`; the version stands in a header.
///
/// # Errors
///
/// [`Malformed`].
pub fn from_json(transaction: Location, value: Value) -> Result<Append, Malformed> {
    let mut fields = Fields::of(value, &At::ROOT)?;
    if let Some(name) = fields.first_of(create::KNOWN) {
        let at = At::ROOT;
        let detail = "can only be said when the transaction is created";
        return Err(at.field(name).malformed(detail));
    }
    let mut draft = Draft::default();
    draft::read(&mut fields, &mut draft)?;
    let rcpt_to_list_offset = fields.take(OFFSET, offset)?;
    fields.finish(&[draft::KNOWN, &[OFFSET]].concat())?;
    Ok(Append {
        transaction,
        if_match: None,
        draft,
        rcpt_to_list_offset,
    })
}

fn offset(value: Value, at: &At<'_>) -> Result<usize, Malformed> {
    let offset = usize::try_from(count(value, at)?);
    offset.map_err(|_| at.malformed("is larger than any list"))
}
