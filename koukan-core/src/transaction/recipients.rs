//! The recipients of a transaction as a stream of commands.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{Stream, future::BoxFuture};

use crate::{
    pipe::Receiver,
    reply::{Rejection, Reply},
};

use super::{Aborted, Command, Rcpt};

/// A bounded stream of RCPT commands, in the order in which the client sent them.
///
/// It ends cleanly (`None`) when the originator has no more recipients, and with [`Aborted`] when
/// the originator is gone.
///
/// Filters transform it and return at once ([`Recipients::map`], [`Recipients::filter`]); only
/// endpoints and proxies pull it. A filter's closure must not wait for the client's next command.
pub struct Recipients(Source);

enum Source {
    Ended(Result<(), Aborted>),
    Pipe(Receiver<Command<Rcpt>>),
    Boxed(Pin<Box<dyn Stream<Item = Item> + Send>>),
}

type Item = Result<Command<Rcpt>, Aborted>;

impl Recipients {
    pub(crate) fn from_pipe(receiver: Receiver<Command<Rcpt>>) -> Self {
        Self(Source::Pipe(receiver))
    }

    /// A stream that has ended cleanly.
    pub fn empty() -> Self {
        Self(Source::Ended(Ok(())))
    }

    /// Makes recipients from any stream of commands that a [`Driver`](super::Driver) made.
    pub fn from_stream(stream: impl Stream<Item = Item> + Send + 'static) -> Self {
        Self(Source::Boxed(Box::pin(stream)))
    }

    /// The next recipient, `None` after the last.
    ///
    /// # Errors
    ///
    /// [`Aborted`] if the originator is gone; nothing may be delivered then.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped before it ends.
    pub async fn next(&mut self) -> Result<Option<Command<Rcpt>>, Aborted> {
        poll_fn(|cx| self.poll_recipient(cx)).await.transpose()
    }

    /// The polling form of [`Recipients::next`].
    pub fn poll_recipient(&mut self, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        let item = ready!(match &mut self.0 {
            Source::Ended(Ok(())) => Poll::Ready(None),
            Source::Ended(Err(Aborted)) => Poll::Ready(Some(Err(Aborted))),
            // A queue stays at its end by itself.
            Source::Pipe(receiver) => return receiver.poll_next(cx),
            Source::Boxed(stream) => stream.as_mut().poll_next(cx),
        });
        // Asking again gives the same end, whatever the stream would say.
        match &item {
            Some(Ok(_)) => {}
            Some(Err(Aborted)) => self.0 = Source::Ended(Err(Aborted)),
            None => self.0 = Source::Ended(Ok(())),
        }
        Poll::Ready(item)
    }

    /// Passes every recipient through `f`.
    pub fn map(self, f: impl FnMut(Command<Rcpt>) -> Command<Rcpt> + Send + 'static) -> Self {
        let mut f = f;
        self.filter_map(move |rcpt| Some(f(rcpt)))
    }

    /// Passes on the recipients for which `f` returns a command; `f` has answered those it
    /// consumed.
    pub fn filter_map(
        self,
        f: impl FnMut(Command<Rcpt>) -> Option<Command<Rcpt>> + Send + 'static,
    ) -> Self {
        Self::from_stream(FilterMap { inner: self, f })
    }

    /// Passes on the recipients that `f` accepts; the others are answered with its rejection.
    pub fn filter<R: Into<Rejection>>(
        self,
        mut f: impl FnMut(&Rcpt) -> Result<(), R> + Send + 'static,
    ) -> Self {
        self.filter_map(move |rcpt| match f(rcpt.request()) {
            Ok(()) => Some(rcpt),
            Err(rejection) => {
                rcpt.answer(rejection.into().into_reply());
                None
            }
        })
    }

    /// As [`Recipients::filter_map`], with a closure that may wait (for a look-up, never for the
    /// client). The order is kept; one recipient is processed at a time.
    ///
    /// # Example
    ///
    /// A filter that asks for each recipient, and refuses those that it does not find:
    ///
    /// ```
    /// use koukan_core::{
    ///     middleware::{Next, from_fn},
    ///     path::ForwardPath,
    ///     reply::Reply,
    ///     test_util::{Script, mail, rcpt, send},
    ///     transaction::Transaction,
    /// };
    /// use tower::{BoxError, Layer};
    ///
    /// async fn find(user: &ForwardPath) -> Result<bool, BoxError> {
    ///     tokio::task::yield_now().await;
    ///     Ok(user.as_str() == "bob@example.com")
    /// }
    ///
    /// async fn known_users(tx: Transaction, next: Next) -> Result<Reply, BoxError> {
    ///     let checked = tx.map_recipients(|recipients| {
    ///         recipients.then(|rcpt| async {
    ///             let refusal = match find(rcpt.forward_path()).await {
    ///                 Ok(true) => return Some(rcpt),
    ///                 Ok(false) => Reply::no_such_user(),
    ///                 Err(_) => Reply::local_error(),
    ///             };
    ///             rcpt.answer(refusal);
    ///             None
    ///         })
    ///     });
    ///     next.run(checked).await
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let service = from_fn(known_users).layer(Script::new());
    /// let to = [rcpt("bob@example.com"), rcpt("eve@example.com")];
    /// let outcome = send(service, mail("alice@example.org"), to, "\r\nhello\r\n").await;
    /// assert_eq!(outcome.recipients, [Reply::recipient_ok(), Reply::no_such_user()]);
    /// # });
    /// ```
    pub fn then<F, Fut>(self, f: F) -> Self
    where
        F: FnMut(Command<Rcpt>) -> Fut + Send + 'static,
        Fut: Future<Output = Option<Command<Rcpt>>> + Send + 'static,
    {
        Self::from_stream(Then {
            inner: self,
            f,
            pending: None,
        })
    }

    /// Lets `f` see and change the reply to every recipient on its way downstream.
    pub fn map_replies(self, f: impl Fn(&Rcpt, Reply) -> Reply + Clone + Send + 'static) -> Self {
        self.map(move |rcpt| {
            let (f, request) = (f.clone(), rcpt.request().clone());
            rcpt.map_reply(move |reply| f(&request, reply))
        })
    }
}

impl Stream for Recipients {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        self.poll_recipient(cx)
    }
}

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recipients")
    }
}

// === impl FilterMap ===

struct FilterMap<F> {
    inner: Recipients,
    f: F,
}

impl<F> Unpin for FilterMap<F> {}

impl<F: FnMut(Command<Rcpt>) -> Option<Command<Rcpt>>> Stream for FilterMap<F> {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        let this = &mut *self;
        loop {
            let rcpt = match ready!(this.inner.poll_recipient(cx)) {
                Some(Ok(rcpt)) => rcpt,
                end => return Poll::Ready(end),
            };
            if let Some(rcpt) = (this.f)(rcpt) {
                return Poll::Ready(Some(Ok(rcpt)));
            }
        }
    }
}

// === impl Then ===

struct Then<F> {
    inner: Recipients,
    f: F,
    pending: Option<BoxFuture<'static, Option<Command<Rcpt>>>>,
}

impl<F> Unpin for Then<F> {}

impl<F, Fut> Stream for Then<F>
where
    F: FnMut(Command<Rcpt>) -> Fut,
    Fut: Future<Output = Option<Command<Rcpt>>> + Send + 'static,
{
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        let this = &mut *self;
        loop {
            if let Some(pending) = &mut this.pending {
                let rcpt = ready!(pending.as_mut().poll(cx));
                this.pending = None;
                if let Some(rcpt) = rcpt {
                    return Poll::Ready(Some(Ok(rcpt)));
                }
            }
            match ready!(this.inner.poll_recipient(cx)) {
                Some(Ok(rcpt)) => this.pending = Some(Box::pin((this.f)(rcpt))),
                end => return Poll::Ready(end),
            }
        }
    }
}
