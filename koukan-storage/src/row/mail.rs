//! The MAIL command, and parameters.

use std::borrow::Cow;

use crate::BoxError;
use koukan_core::{
    path::{Parameter, Parameters},
    transaction::Mail,
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct MailRow<'a> {
    /// The null reverse-path is an empty text.
    #[serde(borrow)]
    reverse_path: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    parameters: Vec<ParameterRow<'a>>,
}

/// A keyword, with its value if it has one.
#[derive(Serialize, Deserialize)]
pub(super) struct ParameterRow<'a>(
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Option<Cow<'a, str>>,
);

impl<'a> From<&'a Mail> for MailRow<'a> {
    fn from(mail: &'a Mail) -> Self {
        Self {
            reverse_path: mail.reverse_path.as_str().into(),
            parameters: parameter_rows(&mail.parameters),
        }
    }
}

impl TryFrom<MailRow<'_>> for Mail {
    type Error = BoxError;

    fn try_from(row: MailRow<'_>) -> Result<Self, BoxError> {
        Ok(Self {
            reverse_path: row.reverse_path.parse()?,
            parameters: parameters(row.parameters)?,
        })
    }
}

pub(super) fn parameter_rows(parameters: &Parameters) -> Vec<ParameterRow<'_>> {
    let mut rows = Vec::new();
    for parameter in parameters {
        let value = parameter.value().map(Cow::Borrowed);
        rows.push(ParameterRow(parameter.keyword().into(), value));
    }
    rows
}

pub(super) fn parameters(rows: Vec<ParameterRow<'_>>) -> Result<Parameters, BoxError> {
    let mut parameters = Parameters::default();
    for ParameterRow(keyword, value) in rows {
        parameters.push(Parameter::new(&keyword, value.as_deref())?)?;
    }
    Ok(parameters)
}
