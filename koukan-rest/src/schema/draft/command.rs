//! Mailboxes with their ESMTP parameters: `{"m": "alice@example.com", "e": [{"k": "SIZE", "p": "1000"}]}`.

use std::{fmt, str::FromStr};

use koukan_core::{
    path::{Parameter, Parameters},
    resource::Refusal,
    transaction::{Mail, Rcpt, dsn::InvalidDsnParameter},
};
use serde_json::{Map, Value};

use crate::schema::reader::{Field, Object};

/// Reads a `mail_from`.
pub(super) fn mail(field: &Field<'_>) -> Result<Mail, Refusal> {
    let object = field.object(&["m", "e"])?;
    let mail = Mail {
        reverse_path: path(object)?,
        parameters: parameters(object)?,
    };
    checked(mail, object, Mail::check_dsn)
}

/// Reads a `rcpt_to`: a list, or a single recipient.
pub(super) fn recipients(field: &Field<'_>) -> Result<Vec<Rcpt>, Refusal> {
    if field.value().is_object() {
        return Ok(vec![recipient(field)?]);
    }
    field.list()?.iter().map(recipient).collect()
}

fn recipient(field: &Field<'_>) -> Result<Rcpt, Refusal> {
    let object = field.object(&["m", "e"])?;
    let rcpt = Rcpt {
        forward_path: path(object)?,
        parameters: parameters(object)?,
    };
    checked(rcpt, object, Rcpt::check_dsn)
}

/// Checks the parameters of RFC 3461, since upstream would refuse a wrong one.
fn checked<C>(
    command: C,
    object: Object<'_>,
    check: impl FnOnce(&C) -> Result<(), InvalidDsnParameter>,
) -> Result<C, Refusal> {
    match (check(&command), object.get("e")) {
        (Err(error), Some(field)) => Err(field.refuse(format!("is wrong: {error}"))),
        _ => Ok(command),
    }
}

fn path<P: FromStr<Err: fmt::Display>>(object: Object<'_>) -> Result<P, Refusal> {
    let field = object.require("m")?;
    let text = field.text()?;
    if text.starts_with('<') {
        return Err(field.refuse("must be an address without < and >"));
    }
    let refuse = |why| {
        field.refuse(format!(
            "must be an address, as in alice@example.com: {why}"
        ))
    };
    text.parse().map_err(refuse)
}

fn parameters(object: Object<'_>) -> Result<Parameters, Refusal> {
    let mut parameters = Parameters::default();
    let Some(field) = object.get("e") else {
        return Ok(parameters);
    };
    for element in field.list()? {
        let object = element.object(&["k", "p", "keyword", "value"])?;
        let keyword = match either(object, "k", "keyword")? {
            Some(keyword) => keyword,
            None => object.require("k")?,
        };
        let value = either(object, "p", "value")?;
        let value = value.map(|value| value.text()).transpose()?;
        let parameter = Parameter::new(keyword.text()?, value);
        let pushed = parameter.and_then(|parameter| parameters.push(parameter));
        pushed.map_err(|why| element.refuse(format!("must be an ESMTP parameter: {why}")))?;
    }
    Ok(parameters)
}

/// A member that has two names.
fn either<'a>(
    object: Object<'a>,
    short: &'a str,
    long: &'a str,
) -> Result<Option<Field<'a>>, Refusal> {
    match (object.get(short), object.get(long)) {
        (Some(_), Some(field)) => Err(field.refuse(format!("is {short} by another name"))),
        (field, None) | (None, field) => Ok(field),
    }
}

/// Writes a path and its parameters.
pub(in crate::schema) fn to_json(path: &str, parameters: &Parameters) -> Value {
    let mut object = Map::new();
    object.insert("m".into(), path.into());
    if !parameters.is_empty() {
        let parameters = parameters.iter().map(parameter_to_json).collect();
        object.insert("e".into(), parameters);
    }
    Value::Object(object)
}

fn parameter_to_json(parameter: &Parameter) -> Value {
    let mut object = Map::new();
    object.insert("k".into(), parameter.keyword().into());
    if let Some(value) = parameter.value() {
        object.insert("p".into(), value.into());
    }
    Value::Object(object)
}
