use tower::Layer;

use crate::{
    context::Sender,
    service::{BoxMailService, MailService},
    storage::{Storage, record::Terms},
};

use super::AddRoute;

/// Applies [`AddRoute`]; see the [module documentation](super).
///
/// # Example
///
/// ```
/// use koukan_core::{
///     filter::add_route::AddRouteLayer,
///     test_util::{Script, mail, rcpt, send},
/// };
/// use tower::Layer;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let (archive, upstream) = (Script::new(), Script::new());
/// let service = AddRouteLayer::delivered(archive.clone()).layer(upstream.clone());
/// let outcome = send(service, mail("alice@x"), [rcpt("bob@y")], "\r\nhello\r\n").await;
/// assert!(outcome.is_delivered());
/// assert_eq!(archive.only_received().text(), upstream.only_received().text());
/// # });
/// ```
#[derive(Debug, Clone)]
pub struct AddRouteLayer {
    pub(super) route: Route,
    pub(super) asks: Asks,
}

/// Which notifications a copy asks for (RFC 3461).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    /// None: the sender does not know of the copy.
    Nothing,
    /// Those of the original.
    AsOriginal,
}

/// Where copies go.
#[derive(Debug, Clone)]
pub(super) enum Route {
    Delivered(Now),
    Stored(Queue),
}

/// Delivers copies while the client waits.
#[derive(Debug, Clone)]
pub(super) struct Now {
    pub(super) service: BoxMailService,
    /// The sender of the copies, if it is not the original's.
    pub(super) sender: Option<Sender>,
}

/// The storage for copies that are delivered later.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    pub(super) storage: Storage,
    pub(super) sender: Sender,
    pub(super) terms: Terms,
}

impl AddRouteLayer {
    /// Delivers copies by this service while the client waits; a failure of the copy is the answer to the
    /// original. They are on behalf of the original's sender.
    pub fn delivered(route: impl MailService) -> Self {
        Self::new(Route::Delivered(Now {
            service: BoxMailService::new(route),
            sender: None,
        }))
    }

    /// As [`AddRouteLayer::delivered`], on behalf of another sender, whose chain `route` is.
    pub fn delivered_for(sender: Sender, route: impl MailService) -> Self {
        Self::new(Route::Delivered(Now {
            service: BoxMailService::new(route),
            sender: Some(sender),
        }))
    }

    /// Stores copies on behalf of `sender`, and delivers them later through its chain. They are retried,
    /// and nobody is notified of their failure.
    pub fn stored(storage: Storage, sender: Sender) -> Self {
        let terms = Terms {
            retry: true,
            notify: false,
        };
        Self::new(Route::Stored(Queue {
            storage,
            sender,
            terms,
        }))
    }

    /// Notifies the original's sender of copies, too.
    #[must_use]
    pub fn with_notifications(mut self) -> Self {
        self.asks = Asks::AsOriginal;
        if let Route::Stored(queue) = &mut self.route {
            queue.terms.notify = true;
        }
        self
    }

    fn new(route: Route) -> Self {
        let asks = Asks::Nothing;
        Self { route, asks }
    }
}

impl<S> Layer<S> for AddRouteLayer {
    type Service = AddRoute<S>;

    fn layer(&self, inner: S) -> AddRoute<S> {
        AddRoute::new(inner, self.clone())
    }
}
