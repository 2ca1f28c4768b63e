//! The [`Greeter`], which is asked about a client before the client may send mail.

mod boxed;
mod introduction;
mod keyword;
mod offer;

pub(super) use self::{boxed::BoxGreeter, offer::Abilities};

pub use self::{
    introduction::{Greeting, Introduction, Step},
    keyword::{InvalidKeyword, Keyword},
    offer::{Authentication, Offer},
};

use tower::{BoxError, Service};

/// A tower [`Service`] that is asked about a client at each [`Step`] before MAIL, and again after each
/// upgrade of the transport.
///
/// | step | a client that is welcome hears | one that is refused hears | and may then |
/// |---|---|---|---|
/// | [`Step::Connected`] | 220 | the refusal [as a greeting](koukan_core::reply::Reply::as_greeting) | say QUIT; everything else gets 503 (RFC 5321 section 3.1) |
/// | [`Step::Hello`] | 250, and after EHLO what it is [offered](Offer) | the refusal | go on as if it had not said EHLO: say EHLO again, or use whatever commands it could use before |
/// | [`Step::Upgraded`] | nothing | nothing | say QUIT; everything else gets the refusal (RFC 3207 section 4.1) |
/// | [`Step::Authenticated`] | 235 | the refusal | go on with the identity that it had before, or try again |
///
/// A refusal with 421 closes the connection. If the greeter fails, the client is refused with the reply of
/// [`Rescue`](koukan_core::service::Rescue); if it does not answer within
/// [`ServerTimeouts::greeter`](super::ServerTimeouts::greeter), with 451. In place of a greeting, both are 421.
///
/// A greeter may delay its answer on purpose: the client waits for it. What the client sends meanwhile is read, up to
/// a bound, and carried out afterwards in order. Limits and timeouts are layers, as with every service.
///
/// Implemented for every service with matching types.
///
/// # Cancel safety
///
/// The server drops the future of a call before it is ready when the client has gone, its time is up, or the server stops.
///
/// # Example
///
/// Refuses clients that use the server's own name, and delays those that do not say EHLO:
///
/// ```
/// use std::time::Duration;
///
/// use koukan_core::reply::Reply;
/// use koukan_smtp::{Server, server::{Greeting, Introduction}};
/// use tower::{BoxError, service_fn};
///
/// # fn server(server: Server<impl koukan_smtp::server::MakeMailService>) {
/// let greeter = service_fn(|client: Introduction| async move {
///     match &client.context.client_name {
///         Some(name) if &*name.name == "mx.example.com" => {
///             let reply = Reply::policy_refused().with_text("that is my name");
///             return Ok::<_, BoxError>(Greeting::Refused(reply));
///         }
///         Some(name) if !name.is_extended => tokio::time::sleep(Duration::from_secs(5)).await,
///         _ => {}
///     }
///     Ok(client.welcome())
/// });
/// let server = server.with_name("mx.example.com").with_greeter(greeter);
/// # }
/// ```
pub trait Greeter:
    Service<Introduction, Response = Greeting, Error: Into<BoxError>, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Greeter for S where
    S: Service<Introduction, Response = Greeting, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}
