//! MAIL and RCPT: `{"m": "alice@example.com", "e": [{"k": "SIZE", "p": "1000"}]}`.

use koukan_core::{
    path::{InvalidMailbox, Parameter, Parameters},
    transaction::{Mail, Rcpt},
};
use serde_json::{Value, json};

use super::{
    At, Malformed,
    reader::{Fields, list, text},
};

/// Reads a MAIL command; an empty address is the null reverse-path.
///
/// # Errors
///
/// [`Malformed`].
pub fn mail_from_json(value: Value, at: &At<'_>) -> Result<Mail, Malformed> {
    let (reverse_path, parameters) = command(value, at)?;
    Ok(Mail {
        reverse_path,
        parameters,
    })
}

/// Reads a RCPT command.
///
/// # Errors
///
/// [`Malformed`].
pub fn rcpt_from_json(value: Value, at: &At<'_>) -> Result<Rcpt, Malformed> {
    let (forward_path, parameters) = command(value, at)?;
    Ok(Rcpt {
        forward_path,
        parameters,
    })
}

/// Writes a MAIL command.
pub fn mail_to_json(mail: &Mail) -> Value {
    to_json(mail.reverse_path.as_str(), &mail.parameters)
}

/// Writes a RCPT command.
pub fn rcpt_to_json(rcpt: &Rcpt) -> Value {
    to_json(rcpt.forward_path.as_str(), &rcpt.parameters)
}

fn to_json(address: &str, parameters: &Parameters) -> Value {
    let mut object = json!({"m": address});
    if !parameters.is_empty() {
        object["e"] = parameters.iter().map(parameter_to_json).collect();
    }
    object
}

fn parameter_to_json(parameter: &Parameter) -> Value {
    match parameter.value() {
        Some(value) => json!({"k": parameter.keyword(), "p": value}),
        None => json!({"k": parameter.keyword()}),
    }
}

fn command<P>(value: Value, at: &At<'_>) -> Result<(P, Parameters), Malformed>
where
    P: std::str::FromStr<Err = InvalidMailbox>,
{
    let mut fields = Fields::of(value, at)?;
    let path = fields.require("m", path)?;
    let parameters = fields.take("e", parameters)?.unwrap_or_default();
    fields.finish(&["m", "e"])?;
    Ok((path, parameters))
}

fn path<P>(value: Value, at: &At<'_>) -> Result<P, Malformed>
where
    P: std::str::FromStr<Err = InvalidMailbox>,
{
    let text = text(value, at)?;
    text.parse().map_err(|error: InvalidMailbox| {
        if text.starts_with('<') {
            at.malformed("must be an address without angle brackets")
        } else {
            at.malformed(format!("not an address such as alice@example.com: {error}"))
        }
    })
}

fn parameters(value: Value, at: &At<'_>) -> Result<Parameters, Malformed> {
    let mut parameters = Parameters::default();
    list(value, at, |value, at| {
        let mut fields = Fields::of(value, at)?;
        let keyword = fields.require("k", text)?;
        let value = fields.take("p", text)?;
        fields.finish(&["k", "p"])?;
        let parameter = Parameter::new(&keyword, value.as_deref());
        let pushed = parameter.and_then(|parameter| parameters.push(parameter));
        pushed.map_err(|error| at.malformed(error.to_string()))
    })?;
    Ok(parameters)
}
