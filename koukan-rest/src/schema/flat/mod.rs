//! The flat form of a message: who it is from, who it is to and what it says, without SMTP or MIME.
//!
//! The envelope is derived from it, and so is a description of the message as for
//! [`message::builder`](koukan_core::message::builder).

mod address;
mod attachment;
mod header;
mod origin;

use koukan_core::{
    context::Sender,
    message::builder::Spec,
    path::ReversePath,
    resource::{BodySource, Draft, Refusal},
    transaction::{Mail, Rcpt},
};
use serde_json::{Value, json};

use super::{
    draft::{sender_tag, time_to_send},
    reader::{Field, Object},
};

use self::{
    address::{Address, Recipients},
    origin::Origins,
};

/// The most messages in one batch.
pub const BATCH_MAX: usize = 100;

/// All fields of the flat form.
const FIELDS: [&str; 12] = [
    "sender",
    "from",
    "to",
    "cc",
    "bcc",
    "reply_to",
    "subject",
    "text",
    "html",
    "attachments",
    "headers",
    "send_at",
];

/// Reads a message in the flat form; `path_sender` is the sender that the request's path names. The fields are
/// `from`, `to`, `cc`, `bcc`, `reply_to`, `subject`, `text`, `html`, `attachments`, `headers`, `send_at`, and
/// `sender` for a tag.
///
/// *Shape*: an address is a string, or an object with `address` and `display_name`. A field that may have several
/// addresses takes a list or a single one. The reverse-path is `from`; the recipients are `to`, `cc` and `bcc`; `bcc`
/// is not written into the message.
///
/// # Errors
///
/// [`RefusalKind::Malformed`](koukan_core::resource::RefusalKind::Malformed) for the first error, with the path of the field.
///
/// # Example
///
/// ```
/// use koukan_rest::schema;
/// use serde_json::json;
///
/// let (_, draft) = schema::message_from_json(
///     &json!({
///         "from": {"address": "alice@example.com", "display_name": "Alice"},
///         "to": "bob@example.com", "bcc": ["carol@example.com"],
///         "subject": "hello", "text": "hello, world!",
///     }),
///     "submission",
/// )?;
/// assert_eq!(draft.rcpt_to.len(), 2);
///
/// let twice = json!({"from": "a@example.com", "to": ["b@example.com", "b@example.com"], "text": ""});
/// let refusal = schema::message_from_json(&twice, "submission").unwrap_err();
/// assert_eq!(refusal.field.as_deref(), Some("to[1]"));
/// # Ok::<(), koukan_core::resource::Refusal>(())
/// ```
pub fn message_from_json(value: &Value, path_sender: &str) -> Result<(Sender, Draft), Refusal> {
    read(&Field::root(value), path_sender)
}

/// A message that was read: on whose behalf it is sent, and its content; or why it is refused.
pub type FlatMessage = Result<(Sender, Draft), Refusal>;

/// Reads several messages, `{"messages": [ … ]}`, independently of each other.
///
/// # Errors
///
/// The same as for [`message_from_json`], if there is no list or the list has more than [`BATCH_MAX`] messages.
pub fn messages_from_json(value: &Value, path_sender: &str) -> Result<Vec<FlatMessage>, Refusal> {
    let field = Field::root(value);
    let list = field.object(&["messages"])?.require("messages")?;
    let messages = list.list()?;
    if messages.len() > BATCH_MAX {
        return Err(list.refuse(format!("must have {BATCH_MAX} messages at most")));
    }
    let read = |message: &Field<'_>| read(&Field::root(message.value()), path_sender);
    Ok(messages.iter().map(read).collect())
}

fn read(field: &Field<'_>, path_sender: &str) -> FlatMessage {
    let object = field.open_object()?;
    for member in object.members() {
        if !FIELDS.contains(&member.name()) {
            return Err(member.refuse("is not a field of a message; leave it out"));
        }
    }
    let mut sender = Sender {
        name: path_sender.into(),
        tag: None,
    };
    if let Some(field) = object.get("sender") {
        sender.tag = sender_tag(&field, path_sender)?;
    }
    let (from, reverse_path) = from(object)?;
    let mut recipients = Recipients::default();
    let mut spec = Description::default();
    spec.header("from", "from".into(), json!([from.to_json()]));
    for name in ["to", "cc", "bcc"] {
        let Some(field) = object.get(name) else {
            continue;
        };
        let addresses = recipients.read(&field)?;
        if name != "bcc" {
            spec.header(name, name.into(), addresses);
        }
    }
    if let Some(field) = object.get("reply_to") {
        let addresses = address::several(&field)?;
        let addresses = addresses.iter().map(Address::to_json).collect();
        spec.header("reply-to", "reply_to".into(), addresses);
    }
    if let Some(field) = object.get("subject") {
        let subject = address::line(&field)?;
        spec.header("subject", "subject".into(), subject.into());
    }
    if let Some(field) = object.get("headers") {
        header::read(&field, &mut spec)?;
    }
    for (name, content_type) in [("text", "text/plain"), ("html", "text/html")] {
        if let Some(field) = object.get(name) {
            let text = field.text()?;
            spec.origins.texts.push(name);
            let part = json!({"content_type": content_type, "content": {"inline": text}});
            spec.texts.push(part);
        }
    }
    if let Some(field) = object.get("attachments") {
        attachment::read(&field, &mut spec)?;
    }
    if recipients.is_empty() {
        let detail = "is missing: whom the message is to, as in `to`, `cc` or `bcc`";
        return Err(Refusal::malformed(detail).at("to"));
    }
    if spec.is_empty() {
        let detail = "is missing: a message has `text`, `html` or `attachments`";
        return Err(Refusal::malformed(detail).at("text"));
    }
    let mut draft = Draft {
        mail_from: Some(Mail::new(reverse_path)),
        rcpt_to: recipients.into_paths().into_iter().map(Rcpt::new).collect(),
        body: Some(BodySource::MessageBuilder(spec.checked()?)),
        ..Draft::default()
    };
    if let Some(field) = object.get("send_at") {
        draft.send_at = Some(time_to_send(&field)?);
    }
    Ok((sender, draft))
}

/// The author of a message, and the reverse-path derived from it.
fn from(object: Object<'_>) -> Result<(Address, ReversePath), Refusal> {
    let Some(field) = object.get("from") else {
        let detail = "is missing: whom the message is from, as in \"alice@example.com\"";
        return Err(Refusal::malformed(detail).at("from"));
    };
    let address = address::one(&field)?;
    let path = address.path.as_str().parse();
    let path = path.map_err(|why| field.refuse(format!("must be an address: {why}")))?;
    Ok((address, path))
}

/// A message description under construction, and the fields from which its parts come.
#[derive(Default)]
struct Description {
    headers: Vec<Value>,
    texts: Vec<Value>,
    related: Vec<Value>,
    files: Vec<Value>,
    origins: Origins,
}

impl Description {
    fn header(&mut self, name: &str, origin: String, value: Value) {
        self.headers.push(json!([name, value]));
        self.origins.headers.push(origin);
    }

    fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.related.is_empty() && self.files.is_empty()
    }

    /// The description as JSON, checked to be one from which a message can be built.
    fn checked(self) -> Result<Value, Refusal> {
        let mut json = json!({"headers": self.headers});
        let parts = [
            ("text_body", self.texts),
            ("related_attachments", self.related),
            ("file_attachments", self.files),
        ];
        for (name, parts) in parts {
            if !parts.is_empty() {
                json[name] = parts.into();
            }
        }
        match Spec::from_json(&json) {
            Ok(_) => Ok(json),
            Err(error) => {
                let refusal = Refusal::malformed(error.message.to_string());
                Err(match self.origins.of(&error.path) {
                    Some(field) => refusal.at(field),
                    None => refusal,
                })
            }
        }
    }
}
