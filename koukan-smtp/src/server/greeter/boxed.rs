//! A greeter whose type is erased.

use std::{fmt, sync::Arc};

use futures_core::future::BoxFuture;
use koukan_core::{reply::Reply, service::rescued};
use tower::ServiceExt;

use super::{Greeter, Greeting, Introduction, Offer};

/// A [`Greeter`] whose type is erased, so that sessions without a greeter, which are most, need no
/// room for one.
#[derive(Clone)]
pub(in crate::server) struct BoxGreeter(Arc<dyn Erased>);

trait Erased: Send + Sync {
    fn ask(&self, client: Introduction) -> BoxFuture<'static, Result<Offer, Reply>>;
}

impl BoxGreeter {
    pub(in crate::server) fn new(greeter: impl Greeter) -> Self {
        Self(Arc::new(greeter))
    }

    /// Asks about a client: what it is offered, or how it is refused.
    pub(in crate::server) fn ask(
        &self,
        client: Introduction,
    ) -> BoxFuture<'static, Result<Offer, Reply>> {
        self.0.ask(client)
    }
}

impl<G: Greeter> Erased for G {
    fn ask(&self, client: Introduction) -> BoxFuture<'static, Result<Offer, Reply>> {
        let greeter = self.clone();
        Box::pin(async move {
            match greeter.oneshot(client).await {
                Ok(Greeting::Welcome(offer)) => Ok(offer),
                Ok(Greeting::Refused(reply)) if reply.is_negative() => Err(reply),
                Ok(Greeting::Refused(reply)) => {
                    tracing::error!(%reply, "a greeter refuses a client with a reply that is not a refusal");
                    Err(Reply::local_error())
                }
                Err(error) => Err(rescued(error)),
            }
        })
    }
}

impl fmt::Debug for BoxGreeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxGreeter")
    }
}
