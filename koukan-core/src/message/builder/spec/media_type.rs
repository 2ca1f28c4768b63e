//! Media types with parameters.

use std::fmt;

use crate::message::token::is_attribute;

use super::{
    super::{SpecError, limits::MAX_PARAMETER},
    Reader,
};

/// A media type such as `text/plain; format=flowed`.
///
/// *Shape*: type, subtype and names of parameters in lower case. Never a multipart, since a spec
/// does not describe its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    /// `type/subtype`.
    essence: Box<str>,
    parameters: Vec<(Box<str>, Box<str>)>,
}

impl MediaType {
    /// `type/subtype`, in lower case.
    pub fn essence(&self) -> &str {
        &self.essence
    }

    /// The parameters, in order.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters
            .iter()
            .map(|(name, value)| (&**name, &**value))
    }

    /// The value of a parameter, by its name in lower case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters();
        parameters
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value)
    }

    /// Whether it is a text/*.
    pub fn is_text(&self) -> bool {
        self.essence.starts_with("text/")
    }

    /// Whether its text is in UTF-8: it says so, or names no charset.
    pub fn is_utf8(&self) -> bool {
        let charset = self.parameter("charset").unwrap_or("utf-8");
        ["utf-8", "utf8", "us-ascii"]
            .iter()
            .any(|known| charset.eq_ignore_ascii_case(known))
    }

    /// Whether it is a message/*.
    pub fn is_message(&self) -> bool {
        self.essence.starts_with("message/")
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.essence)?;
        for (name, value) in self.parameters() {
            if is_attribute(value) {
                write!(f, "; {name}={value}")?;
            } else {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"");
                write!(f, "; {name}=\"{value}\"")?;
            }
        }
        Ok(())
    }
}

/// Reads a media type.
pub(crate) fn read(value: &Reader<'_>) -> Result<MediaType, SpecError> {
    let text = value.text("a media type such as \"text/plain\"", MAX_PARAMETER)?;
    let (essence, mut rest) = text.split_at(text.find(';').unwrap_or(text.len()));
    let wrong = || value.error("must be a media type such as \"text/plain\"");
    let (kind, subtype) = essence.trim().split_once('/').ok_or_else(wrong)?;
    if !is_attribute(kind) || !is_attribute(subtype) || value.exceeds(essence.len(), 127) {
        return Err(wrong());
    }
    if kind.eq_ignore_ascii_case("multipart") {
        return Err(value.error("must not be a multipart: describe its parts"));
    }
    let mut parameters: Vec<(Box<str>, Box<str>)> = Vec::new();
    while let Some(parameter) = rest.strip_prefix(';') {
        if parameter.trim().is_empty() {
            break;
        }
        let wrong = || value.error("must have parameters of the form `; name=value`");
        let (name, tail) = parameter.split_once('=').ok_or_else(wrong)?;
        let name = name.trim().to_ascii_lowercase();
        let (parameter, tail) = read_value(tail.trim_start()).ok_or_else(wrong)?;
        rest = tail.trim_start();
        let is_end = rest.is_empty() || rest.starts_with(';');
        if !is_attribute(&name) || value.exceeds(name.len(), 60) || !is_end {
            return Err(wrong());
        }
        if parameters.iter().any(|(other, _)| **other == *name) {
            return Err(value.error("must have each parameter only once"));
        }
        parameters.push((name.into(), parameter.into()));
    }
    Ok(MediaType {
        essence: format!("{kind}/{subtype}").to_ascii_lowercase().into(),
        parameters,
    })
}

/// A token or a quoted string, and what follows it.
fn read_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_at(text.find(';').unwrap_or(text.len()));
        let value = value.trim_end();
        // More than a token, since people forget quotes; what is written is quoted.
        let is_fine = !value.is_empty() && !value.contains(['"', '\\', ' ']);
        return is_fine.then(|| (value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((position, c)) = chars.next() {
        match c {
            '"' => return Some((value, &quoted[position + 1..])),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}
