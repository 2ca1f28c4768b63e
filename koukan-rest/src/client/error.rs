//! What can go wrong with a client.

use tower::BoxError;

/// A client cannot be made, or got no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The server's URL is not one.
    #[error("not the URL of a server, as in http://127.0.0.1:8000")]
    Url,
    /// The certificates that are to be trusted cannot be used.
    #[error("cannot use the certificates to be trusted")]
    Certificates(#[source] BoxError),
    /// The token holds octets that cannot stand in a header field.
    #[error("the token holds an octet that is not allowed")]
    Token,
    /// The server could not be reached, or went away before it answered.
    #[error("no answer from the server")]
    Unanswered(#[source] BoxError),
    /// The server did not answer in time.
    #[error("the server did not answer in time")]
    Elapsed,
    /// What the server answered is not what this API answers.
    #[error("the server answered something else than this API does: {0}")]
    Malformed(&'static str),
    /// What was to be uploaded broke off.
    #[error("what was to be uploaded broke off")]
    Body(#[source] BoxError),
}
