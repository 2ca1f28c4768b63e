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
    /// The server names another one, which the settings do not list.
    #[error("the server names another host, which is not listed: {0}")]
    OtherHost(Box<str>),
    /// No connection came about: nothing was sent.
    #[error("no connection to the server")]
    Unreachable(#[source] BoxError),
    /// The server went away before it answered: nobody knows what became of the request.
    #[error("no answer from the server")]
    Unanswered(#[source] BoxError),
    /// The server did not answer, or did not take what was sent, in time.
    #[error("the server did not answer in time")]
    Elapsed,
    /// The answer is longer than is read.
    #[error("the server's answer is too long")]
    TooLong,
    /// What the server answered is not what this API answers.
    #[error("the server answered something else than this API does")]
    Malformed(#[source] BadAnswer),
    /// The server sends from one place to the next without an end.
    #[error("the server redirects without an end")]
    TooManyRedirects,
    /// What was to be uploaded broke off.
    #[error("what was to be uploaded broke off")]
    Body(#[source] BoxError),
}
