//! Chooses the sender and the service for each mail transaction.

use koukan_core::{
    context::{Context, Sender},
    service::MailService,
};

/// Chooses, for each mail transaction, on whose behalf it runs, and gives it a clone of a
/// [`MailService`] that was built before.
///
/// The server calls it at MAIL, when it knows as much of the client as it ever will: its address, its name, TLS,
/// its identity. So the same listener can have one chain for authenticated users and another for everybody else.
/// A client that may not send mail at all gets a service that refuses it.
///
/// Implemented by every closure with matching types, and by [`Shared`], which gives the same
/// service to every transaction.
///
/// # Example
///
/// ```
/// use koukan_core::{
///     context::{Context, Sender},
///     reply::Reply,
///     service::BoxMailService,
///     transaction::Transaction,
/// };
/// use koukan_smtp::Server;
/// use tower::{BoxError, service_fn};
///
/// fn chain(reply: Reply) -> BoxMailService {
///     let answer = move |_: Transaction| std::future::ready(Ok::<_, BoxError>(reply.clone()));
///     BoxMailService::new(service_fn(answer))
/// }
///
/// // Built once, before anybody connects.
/// let users = (Sender::new("submission"), chain(Reply::message_accepted()));
/// let others = (Sender::new("ingress"), chain(Reply::relay_denied()));
/// let server = Server::with_make(move |client: &Context| match client.identity {
///     Some(_) => users.clone(),
///     None => others.clone(),
/// });
/// ```
pub trait MakeMailService: Send + Sync + 'static {
    /// The service that a transaction gets.
    type Service: MailService;

    /// Says on whose behalf the transaction runs, and gives its service. The server calls this once
    /// for each MAIL. It must not wait or build anything: it only chooses.
    ///
    /// The sender in `context` is the one in the server's configuration. The context of the
    /// transaction will have the sender that is returned.
    fn make(&self, context: &Context) -> (Sender, Self::Service);
}

impl<F, S> MakeMailService for F
where
    F: Fn(&Context) -> (Sender, S) + Send + Sync + 'static,
    S: MailService,
{
    type Service = S;

    fn make(&self, context: &Context) -> (Sender, S) {
        self(context)
    }
}

/// Gives a clone of one service to every transaction, on behalf of the sender in the server's
/// configuration.
#[derive(Debug, Clone)]
pub struct Shared<S>(pub S);

impl<S: MailService> MakeMailService for Shared<S> {
    type Service = S;

    fn make(&self, context: &Context) -> (Sender, S) {
        (context.sender.clone(), self.0.clone())
    }
}
