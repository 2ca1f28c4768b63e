//! Header fields that have no field of their own in the flat form.

use koukan_core::resource::Refusal;
use serde_json::Value;

use crate::schema::reader::Field;

use super::{Description, address::line};

/// Header fields that are written from other fields of the flat form, and those fields.
const ELSEWHERE: [(&str, &str); 6] = [
    ("from", "from"),
    ("to", "to"),
    ("cc", "cc"),
    ("bcc", "bcc"),
    ("reply-to", "reply_to"),
    ("subject", "subject"),
];

/// Header fields that contain message ids.
const IDS: [&str; 3] = ["message-id", "in-reply-to", "references"];

/// Reads an object of header fields, each a name and a text.
pub(super) fn read(field: &Field<'_>, spec: &mut Description) -> Result<(), Refusal> {
    for member in field.open_object()?.members() {
        let name = member.name().to_ascii_lowercase();
        if let Some((_, field)) = ELSEWHERE.iter().find(|(known, _)| *known == name) {
            return Err(member.refuse(format!("is the field `{field}`; leave it out here")));
        }
        if matches!(&*name, "date" | "sender") {
            return Err(member.refuse("is written by the server; leave it out"));
        }
        let text = line(&member)?;
        let value = match IDS.contains(&&*name) {
            true => {
                let ids = text.split_ascii_whitespace();
                let bare = |id: &str| id.trim_start_matches('<').trim_end_matches('>').to_owned();
                ids.map(bare).map(Value::from).collect()
            }
            false => Value::from(text),
        };
        spec.header(member.name(), format!("headers.{}", member.name()), value);
    }
    Ok(())
}
