//! Replies: `{"code": 250, "message": "2.0.0 ok"}`.

use koukan_core::reply::{EnhancedCode, Reply, ReplyCode};
use serde_json::{Value, json};

use super::{
    At, Malformed,
    reader::{Fields, count, text},
};

/// Writes a reply: the message is the enhanced status code, where there is one, and the text.
pub fn to_json(reply: &Reply) -> Value {
    let message = match (reply.enhanced(), reply.text()) {
        (Some(enhanced), "") => enhanced.to_string(),
        (Some(enhanced), text) => format!("{enhanced} {text}"),
        (None, text) => text.to_owned(),
    };
    json!({"code": reply.code().as_u16(), "message": message})
}

/// Reads a reply, tolerantly: the message may be missing, and an enhanced status code that it
/// starts with is split off where it is of the class of the code.
///
/// # Errors
///
/// [`Malformed`].
pub fn from_json(value: Value, at: &At<'_>) -> Result<Reply, Malformed> {
    let mut fields = Fields::of(value, at)?;
    let code = fields.require("code", reply_code)?;
    let message = fields.take_loose("message", text)?.unwrap_or_default();
    Ok(match split_enhanced(code, &message) {
        Some((enhanced, text)) => Reply::new(code, Some(enhanced), text.to_owned()),
        None => Reply::new(code, None, message),
    })
}

fn reply_code(value: Value, at: &At<'_>) -> Result<ReplyCode, Malformed> {
    let number = count(value, at)?;
    let code = u16::try_from(number).ok();
    let code = code.and_then(|code| ReplyCode::new(code).ok());
    code.ok_or_else(|| at.malformed("must be an SMTP reply code, 200 to 599"))
}

fn split_enhanced(code: ReplyCode, message: &str) -> Option<(EnhancedCode, &str)> {
    let end = message.find([' ', '\n', '\r']).unwrap_or(message.len());
    let enhanced: EnhancedCode = message[..end].parse().ok()?;
    let is_same_class = u16::from(enhanced.class()) == code.as_u16() / 100;
    is_same_class.then(|| (enhanced, message[end..].trim_start_matches(' ')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Value) -> Result<Reply, Malformed> {
        from_json(value, &At::ROOT)
    }

    #[test]
    fn reads_what_it_writes() {
        for reply in [
            Reply::ok(),
            Reply::no_such_user(),
            Reply::start_mail_input(),
            Reply::ok().with_text(""),
            Reply::local_error().with_text("one\ntwo"),
        ] {
            assert_eq!(read(to_json(&reply)), Ok(reply));
        }
    }

    #[test]
    fn only_an_enhanced_code_of_the_same_class_is_split_off() {
        let text = |value| read(value).unwrap().text().to_owned();
        assert_eq!(text(json!({"code": 250, "message": "5.1.1 x"})), "5.1.1 x");
        assert_eq!(text(json!({"code": 550, "message": "5.1.1"})), "");
        assert_eq!(text(json!({"code": 354, "message": "3.0.0 x"})), "3.0.0 x");
        assert_eq!(text(json!({"code": 250, "message": "2.1"})), "2.1");
    }

    #[test]
    fn a_message_is_not_needed() {
        for value in [json!({"code": 250}), json!({"code": 250, "message": null, "x": 1})] {
            assert_eq!(read(value).unwrap().text(), "");
        }
        for value in [json!({}), json!({"code": 99}), json!({"code": "250"}), json!(250)] {
            assert!(read(value).is_err());
        }
    }
}
