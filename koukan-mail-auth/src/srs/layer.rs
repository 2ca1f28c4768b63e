//! The filter that rewrites reverse-paths.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use koukan_core::{
    clock::SharedClock,
    filter::Replaceable,
    path::{Mailbox, ReversePath, is_same_domain},
    reply::Reply,
    service::MailService,
    transaction::Transaction,
};
use tower::{Layer, Service};

use super::{Secrets, Srs};

/// Applies [`Rewrite`].
///
/// # Example
///
/// ```
/// use std::sync::Arc;
///
/// use koukan_core::{
///     clock::SystemClock,
///     filter::Replaceable,
///     test_util::{Script, mail, rcpt, send},
/// };
/// use koukan_mail_auth::srs::{RewriteLayer, Secrets, Srs};
/// use tower::Layer;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let secrets: Secrets = "a secret of one's own\n".parse()?;
/// let own = ["example.com".into()];
/// let layer = RewriteLayer::new(
///     Srs::new("srs.example.com"),
///     Replaceable::new(secrets),
///     Arc::new(SystemClock),
///     own,
/// );
/// let endpoint = Script::new();
/// let service = layer.layer(endpoint.clone());
/// send(service, mail("alice@example.org"), [rcpt("bob@y")], "\r\nhello\r\n").await;
/// assert!(endpoint.only_received().reverse_path().as_str().starts_with("SRS0="));
/// # Ok::<(), tower::BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct RewriteLayer {
    srs: Arc<Srs>,
    secrets: Replaceable<Secrets>,
    clock: SharedClock,
    own: Arc<[Box<str>]>,
}

impl RewriteLayer {
    /// Rewrites all reverse-paths except the null one and those in the domains `own` (in any spelling) or in the
    /// domain of `srs`.
    pub fn new(
        srs: Srs,
        secrets: Replaceable<Secrets>,
        clock: SharedClock,
        own: impl IntoIterator<Item = Box<str>>,
    ) -> Self {
        Self {
            srs: Arc::new(srs),
            secrets,
            clock,
            own: own.into_iter().collect(),
        }
    }

    /// The rewritten reverse-path; `None` where it stays as it is.
    fn rewritten(&self, path: &ReversePath) -> Option<Mailbox> {
        let mailbox = path.mailbox()?;
        let domain = mailbox.domain_text();
        let mut own = self.own.iter();
        if self.srs.is_of_domain(mailbox) || own.any(|own| is_same_domain(own, domain)) {
            return None;
        }
        let day = Srs::day(self.clock.now().as_second());
        let rewritten = self.srs.rewrite(mailbox, &self.secrets.current(), day);
        if rewritten.is_none() {
            tracing::warn!(
                reverse_path = mailbox.as_str(),
                "too long to be rewritten; it stays as it is"
            );
        }
        rewritten
    }
}

impl<S> Layer<S> for RewriteLayer {
    type Service = Rewrite<S>;

    fn layer(&self, inner: S) -> Rewrite<S> {
        Rewrite {
            inner,
            layer: self.clone(),
        }
    }
}

/// Rewrites reverse-paths; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct Rewrite<S> {
    inner: S,
    layer: RewriteLayer,
}

impl<S: MailService> Service<Transaction> for Rewrite<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut tx: Transaction) -> S::Future {
        if let Some(rewritten) = self.layer.rewritten(tx.mail.reverse_path()) {
            tx.mail.request_mut().reverse_path = ReversePath::from(rewritten);
        }
        self.inner.call(tx)
    }
}
