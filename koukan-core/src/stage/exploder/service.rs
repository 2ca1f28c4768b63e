//! The service.

use std::{
    future::pending,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::future::BoxFuture;
use tower::{BoxError, Service};

use crate::{
    blob::{Account, BlobPool, Payer},
    body::{Body, BodyError},
    causes::Causes,
    repeats::Repeats,
    reply::Reply,
    service::MailService,
    signals::{Departure, HearsEach, Holding, Keeping},
    stage::output_handler::{ExpansionNotices, Gathering},
    storage::{BackendError, Custody, CustodyError, record::Terms},
    transaction::Transaction,
};

use super::{
    NotifyWhen, ReplyPolicy,
    legs::{Again, LegEnds, Legs},
    reduce::{self, Verdict},
};

/// Makes a transaction with one recipient for each recipient of a transaction, through `inner`.
///
/// `inner` is a [`StorageWriter`](super::super::storage_writer::StorageWriter) if custody is to be
/// taken; otherwise any mail service.
#[derive(Debug, Clone)]
pub struct Exploder<S> {
    inner: S,
    policy: ReplyPolicy,
    notify: NotifyWhen,
    notices: Option<ExpansionNotices>,
    pool: BlobPool,
}

impl<S: MailService> Exploder<S> {
    /// An exploder over `inner`, whose legs share a message in `pool`.
    pub fn new(inner: S, policy: ReplyPolicy, pool: BlobPool) -> Self {
        Self {
            inner,
            policy,
            notify: NotifyWhen::Always,
            notices: None,
            pool,
        }
    }

    /// Sets when the sender is notified of recipients that failed after the message was accepted.
    #[must_use]
    pub fn with_notify(mut self, notify: NotifyWhen) -> Self {
        self.notify = notify;
        self
    }

    /// Notifies senders that ask for notifications of success when a recipient was expanded to several. Without
    /// this such a sender hears nothing.
    #[must_use]
    pub fn with_expansion_notices(mut self, notices: ExpansionNotices) -> Self {
        self.notices = Some(notices);
        self
    }

    async fn explode(
        self,
        transaction: Transaction,
        _holding: Option<Holding>,
    ) -> Result<Reply, BoxError> {
        let Transaction {
            context,
            mail,
            mut recipients,
            mut body,
            signals,
        } = transaction;
        let (mail, slot) = mail.into_parts();
        // Once for all legs.
        let payer = || Payer::Client(context.client());
        let account = signals.account_or(|| self.pool.account(payer())).clone();
        if !account.advance(mail.parameters.size()) {
            slot.answer(Reply::insufficient_storage());
            return Ok(Reply::insufficient_storage());
        }
        slot.answer(Reply::sender_ok());
        let hears_each = signals.find::<HearsEach>().is_some();
        let found = signals.clone();
        let mut legs = Legs::new(
            self.inner,
            (self.policy, self.notify),
            context,
            signals,
            mail,
        );
        while let Some(rcpt) = legs.beside(recipients.next()).await? {
            legs.start(rcpt);
        }
        legs.close();
        let expanded = self.notices.as_ref().and_then(|_| legs.expanded());
        legs.beside(body.ready()).await?;
        let is_kept = expanded.is_some();
        let original = match legs.open() > 0 {
            true => give(&mut legs, body, &account, is_kept).await?,
            false => None,
        };
        let LegEnds {
            mut replies,
            again,
            refusals,
            aliases,
            members,
            delivered,
        } = legs.finish().await?;
        for alias in &aliases {
            replies.push(alias.position, Reply::message_accepted());
        }
        if replies.is_empty() {
            return Ok(reduce::refusal(&refusals));
        }
        let Verdict {
            mut reply,
            replies: mut each,
            into_custody,
        } = match hears_each {
            true => reduce::final_replies(self.policy, &replies),
            false => reduce::final_reply(self.policy, &replies),
        };
        let kept = into_custody.iter();
        let kept = kept.filter_map(|position| replies.get(*position));
        // Failed members are always taken into custody.
        let kept = kept.chain(members.iter().filter(|reply| reply.is_negative()));
        let whole = found.departure();
        let taken = take(kept, self.notify.tells(&found), whole).await;
        let expanded = self.notices.as_ref().zip(expanded);
        let delivered = delivered.and_then(Gathering::close);
        match (expanded.filter(|_| taken.is_ok()), delivered) {
            (Some((notices, expanded)), delivered) => {
                notices.tell(expanded, original, delivered).await;
            }
            (None, Some(delivered)) => {
                delivered.tell().await;
            }
            (None, None) => {}
        }
        if let Err(refusal) = taken {
            // A recipient that has the message need not get it again, where that can be told.
            let aliases = aliases.iter().map(|alias| alias.position);
            for position in into_custody.into_iter().chain(aliases) {
                each.push(position, refusal.clone());
            }
            reply = refusal;
        }
        for Again { position, first } in again {
            if let Some(reply) = each.get(first).cloned() {
                each.push(position, reply);
            }
        }
        Ok(each.into_reply_or(reply))
    }
}

/// Gives the same message to all legs that can still take it. If it is to be kept, it is complete when they have
/// ended.
async fn give<S: MailService>(
    legs: &mut Legs<S>,
    body: Body,
    account: &Account,
    is_kept: bool,
) -> Result<Option<Body>, BodyError> {
    Ok(match body.into_blob() {
        Ok((prefix, blob)) => {
            let body = || {
                let mut body = Body::from(blob.clone());
                for octets in prefix.iter().rev() {
                    body.prepend(octets.clone());
                }
                body
            };
            legs.give(body);
            is_kept.then(body)
        }
        Err(body) if legs.open() == 1 && !is_kept => {
            let mut body = Some(body);
            legs.give(|| body.take().unwrap_or_else(Body::empty));
            None
        }
        Err(body) => {
            let (writer, blob) = account.create();
            legs.give(|| Body::from(blob.clone()));
            legs.beside(body.copy_to(writer)).await?;
            is_kept.then(|| Body::from(blob))
        }
    })
}

/// The interval between log lines about failures to take custody; between them failures are
/// counted.
const INTERVAL: Duration = Duration::from_secs(10);

static NOT_TAKEN: Repeats = Repeats::new(INTERVAL, |messages, interval| {
    let seconds = interval.as_secs();
    tracing::error!(messages, seconds, "could still not take custody");
});

/// Takes the transactions behind these replies into custody, all or none. If the client is told to
/// try again, none of them must be delivered as well. The attempt that they are parts of must not be
/// given to others either.
async fn take<'a>(
    replies: impl Iterator<Item = &'a Reply>,
    notify: bool,
    whole: Option<&Arc<Departure>>,
) -> Result<(), Reply> {
    let custodies: Result<Vec<_>, _> = replies.map(custody).collect();
    let custodies = custodies?;
    if custodies.is_empty() {
        return Ok(());
    }
    match whole.map_or(Keeping::Now, |whole| whole.may_keep()) {
        Keeping::Now => {}
        Keeping::Cancelled => return Err(Reply::broken_off()),
        // Whoever has given the attempt up drops this call.
        Keeping::Never => pending().await,
    }
    let terms = Terms {
        retry: true,
        notify,
    };
    let each = custodies.iter().copied();
    let taken = match whole {
        Some(whole) => Custody::take_parts(each, terms, whole).await,
        None => Custody::take_all(each, terms).await,
    };
    taken.map_err(|error| {
        if NOT_TAKEN.is_first() {
            tracing::error!(error = %Causes(&error), ?custodies, "could not take custody");
        }
        match error {
            CustodyError::Backend(BackendError::Full(_)) => Reply::insufficient_storage(),
            _ => Reply::local_error(),
        }
    })
}

/// The right to take the transaction behind a reply; or the reply to the client where there is
/// none.
fn custody(reply: &Reply) -> Result<&Custody, Reply> {
    let custody = reply.extensions().get::<Custody>();
    custody.ok_or_else(|| {
        // Where the message could not even be kept, or the agent stops, the client is told so.
        let known = [Reply::insufficient_storage(), Reply::stopping()];
        let known = known.into_iter().find(|known| known == reply);
        known.unwrap_or_else(Reply::local_error)
    })
}

impl<S: MailService> Service<Transaction> for Exploder<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Each leg waits for the inner service by itself.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, transaction: Transaction) -> Self::Future {
        // The legs say when the message leaves, and so does taking custody.
        let holding = transaction.signals.departure().map(Departure::divide);
        Box::pin(self.clone().explode(transaction, holding))
    }
}
