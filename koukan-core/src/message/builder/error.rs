//! What is wrong with a spec, and where.

/// A spec is refused.
///
/// *Shape*: the path is as JavaScript would write it, as in `headers[2][1].unix_secs`, empty for
/// the spec itself; the message says what to change. Neither holds what a client sent, but for
/// names of fields.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
#[non_exhaustive]
pub struct SpecError {
    /// Where it is.
    pub path: Box<str>,
    /// What to change.
    pub message: Box<str>,
}
