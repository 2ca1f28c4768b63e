//! Who submits, and the service that their mail is given to.

use koukan_core::{
    context::{Context, Sender},
    service::MailService,
};

/// Says for each mail transaction who submits it, and gives it a clone of a [`MailService`] that was
/// built before.
///
/// It is asked at MAIL, when what can be known of the client is known: its address, its name, TLS,
/// who it is. So the same listener can have one chain for users who have authenticated themselves and
/// another for everybody else. A client that may not send mail at all gets a service that refuses it.
///
/// Implemented by every closure of the right shape, and by [`Shared`], which gives the same service to
/// all.
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
    /// The service given.
    type Service: MailService;

    /// Says on whose behalf the transaction runs, and gives the service. It is asked once for each
    /// MAIL and does not wait: it chooses, and builds nothing.
    ///
    /// The sender in `context` is the one that the server was configured with; the transaction's
    /// context will have the sender that is returned.
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

/// Gives a clone of one service to every transaction, on behalf of the sender that the server was
/// configured with.
#[derive(Debug, Clone)]
pub struct Shared<S>(pub S);

impl<S: MailService> MakeMailService for Shared<S> {
    type Service = S;

    fn make(&self, context: &Context) -> (Sender, S) {
        (context.sender.clone(), self.0.clone())
    }
}
