//! Why an answer is not a transaction.

/// A server answered with JSON that is not a transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a transaction: {field} must be {wanted}")]
#[non_exhaustive]
pub struct InvalidView {
    /// The field at fault, as in `rcpt_response[0]`.
    pub field: Box<str>,
    /// What was wanted there.
    pub wanted: &'static str,
}
