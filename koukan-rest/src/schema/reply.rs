//! Replies as JSON: `{"code": 250, "message": "2.0.0 ok"}`.

use koukan_core::reply::{EnhancedCode, Reply, ReplyCode};
use serde_json::{Value, json};

/// The most octets in an enhanced status code and a space.
const ENHANCED: usize = 10;

/// Writes a reply.
///
/// *Shape*: the enhanced status code, if there is one, is the first word of the message; `\n`
/// separates lines.
pub fn reply_to_json(reply: &Reply) -> Value {
    let text = reply.text();
    let mut message = String::with_capacity(text.len() + ENHANCED);
    if let Some(enhanced) = reply.enhanced() {
        enhanced.push_to(&mut message);
        if !text.is_empty() {
            message.push(' ');
        }
    }
    message.push_str(text);
    json!({"code": reply.code().as_u16(), "message": message})
}

/// Reads a reply; `None` if it has no reply code.
///
/// The message may be missing. If it begins with an enhanced status code that agrees with the class
/// of the reply code, the enhanced code is split off each line.
pub fn reply_from_json(value: &Value) -> Option<Reply> {
    let code = u16::try_from(value.get("code")?.as_u64()?).ok()?;
    let code = ReplyCode::new(code).ok()?;
    let message = value.get("message").and_then(Value::as_str);
    let message = message.unwrap_or_default();
    let is_of_class = |enhanced: &EnhancedCode| u16::from(enhanced.class()) == code.as_u16() / 100;
    let (word, _) = split_word(message);
    let Some(enhanced) = word.parse().ok().filter(is_of_class) else {
        return Some(Reply::new(code, None, message.to_owned()));
    };
    let without = |line| match split_word(line) {
        (first, rest) if first == word => rest,
        _ => line,
    };
    let lines: Vec<&str> = message.split('\n').map(without).collect();
    Some(Reply::new(code, Some(enhanced), lines.join("\n")))
}

/// The first word of the first line, and the rest behind it and a space.
fn split_word(text: &str) -> (&str, &str) {
    let end = text.find([' ', '\r', '\n']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word, rest.strip_prefix(' ').unwrap_or(rest))
}
