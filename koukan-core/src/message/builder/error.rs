//! Errors in specs, with their place.

/// An error in a spec.
///
/// *Shape*: the path is written as in JavaScript, for example `headers[2][1].unix_secs`; it is
/// empty for the spec itself. The message says what to change. Neither contains text of the client,
/// except names of fields.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
#[non_exhaustive]
pub struct SpecError {
    /// Its place.
    pub path: Box<str>,
    /// What to change.
    pub message: Box<str>,
}
