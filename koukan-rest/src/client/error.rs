//! What can go wrong with a client.

use koukan_core::resource::BadAnswer;
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
    /// A location is not one that can be asked by HTTP.
    #[error("not a location that can be asked: {0:?}")]
    Location(Box<str>),
    /// No connection came about: nothing was sent.
    #[error("no connection to the server")]
    Unreachable(#[source] BoxError),
    /// The server went away before it answered: nobody knows what became of the request.
    #[error("no answer from the server")]
    Unanswered(#[source] BoxError),
    /// The server did not answer, or did not take what was sent, in time.
    #[error("the server did not answer in time")]
    Elapsed,
    /// What the server answered is not what this API answers: something else, more than is read, or
    /// a place that is not to be asked, since its host is not one of those that the settings list.
    #[error("the server answered something else than this API does")]
    Malformed(#[source] BadAnswer),
    /// What was to be uploaded broke off.
    #[error("what was to be uploaded broke off")]
    Body(#[source] BoxError),
}
