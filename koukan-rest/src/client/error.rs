//! Errors of the client.

use koukan_core::resource::BadAnswer;
use tower::BoxError;

/// A client could not be made, or got no valid answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The text is not the URL of a server.
    #[error("not the URL of a server, as in http://127.0.0.1:8000")]
    Url,
    /// The certificates to be trusted cannot be used.
    #[error("cannot use the certificates to be trusted")]
    Certificates(#[source] BoxError),
    /// The token holds octets that are not allowed in a header field.
    #[error("the token holds an octet that is not allowed")]
    Token,
    /// The location is not one that can be requested by HTTP.
    #[error("not a location that can be asked: {0:?}")]
    Location(Box<str>),
    /// There was no connection to the server; nothing was sent.
    #[error("no connection to the server")]
    Unreachable(#[source] BoxError),
    /// The connection was lost before an answer. It is unknown whether the server has carried out the request.
    #[error("no answer from the server")]
    Unanswered(#[source] BoxError),
    /// The server did not answer, or did not accept the content, in time.
    #[error("the server did not answer in time")]
    Elapsed,
    /// The server's answer does not follow this API, is too long, or names a host that is not on
    /// the list in the settings.
    #[error("the server's answer does not follow this API")]
    Malformed(#[source] BadAnswer),
    /// The content to be uploaded ended with an error.
    #[error("the content to be uploaded ended with an error")]
    Body(#[source] BoxError),
}
