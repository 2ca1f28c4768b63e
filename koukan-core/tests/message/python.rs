//! How Python's `email` package reads messages of all kinds.

use serde_json::Value;

use super::oracle;

const DESCRIBE: &str = r#"
def text(value):
    return None if value is None else str(value)

def describe(message):
    addresses = {}
    for name in ("from", "to", "cc", "reply-to", "sender"):
        field = message[name]
        if field is not None:
            addresses[name] = [[a.display_name, a.addr_spec] for a in field.addresses]
    parts = []
    for part in message.walk():
        if part.get_content_maintype() == "multipart":
            continue
        if part.get_content_maintype() == "message":
            content = part.get_payload(0).as_bytes()
        else:
            content = part.get_payload(decode=True)
        parts.append({
            "type": part.get_content_type(),
            "charset": part.get_content_charset(),
            "filename": part.get_filename(),
            "disposition": part.get_content_disposition(),
            "content_id": text(part["content-id"]),
            "text": part.get_content() if part.get_content_maintype() == "text" else None,
            "content": base64.b64encode(content or b"").decode(),
        })
        if part.get_content_maintype() == "message":
            break
    return {
        "subject": text(message["subject"]),
        "date": message["date"].datetime.timestamp() if message["date"] else None,
        "addresses": addresses,
        "headers": [[name, str(value)] for name, value in message.items()],
        "parts": parts,
        "structure": [part.get_content_type() for part in message.walk()],
        "defects": [repr(d) for part in message.walk() for d in part.defects],
    }
"#;

/// Python's reading of messages.
pub(crate) fn describe<'a>(messages: impl IntoIterator<Item = &'a [u8]>) -> Vec<Value> {
    oracle::describe(DESCRIBE, messages)
}

/// The octets of a part that Python decoded.
pub(crate) fn content(part: &Value) -> Vec<u8> {
    oracle::octets(&part["content"])
}
