//! Parts and copies of a message, which pass through chains of their own.

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use futures_core::future::BoxFuture;
use futures_util::stream;
use tower::{BoxError, Service, ServiceExt, service_fn};

use crate::{
    blob::BlobPool,
    context::Sender,
    path::{ForwardPath, domain_key},
    reply::Reply,
    resource::{NotePhase, PassageOf, What},
    signals::Expansions,
    stage::exploder::{Exploder, ReplyPolicy},
    transaction::{Recipients, Transaction},
};

use super::{Entry, Explainer, recorder::Here};

/// Chains by their senders, filled in once all are made. Chains refer to this map, so they hold it weakly.
type Entries = Weak<OnceLock<HashMap<Sender, Entry>>>;

fn chain_of(entries: &Entries, sender: &Sender) -> Option<Entry> {
    entries.upgrade()?.get()?.get(sender).cloned()
}

/// Replaces an Exploder: each recipient's part passes through its sender's chain.
///
/// A [`ReplyPolicy::Submission`] would keep a part whose RCPT is refused transiently. That is noted, and the
/// client gets no refusal.
#[derive(Debug, Clone)]
pub struct Parts {
    explainer: Explainer,
    policy: ReplyPolicy,
    entries: Entries,
    blobs: BlobPool,
    general: Sender,
    by_domain: Arc<HashMap<Box<str>, Sender>>,
}

impl Parts {
    /// Parts are on behalf of `sender`. When a message comes, the sender's chain must be among `entries`; the
    /// caller holds these until then.
    pub fn new(
        explainer: Explainer,
        policy: ReplyPolicy,
        entries: &Arc<OnceLock<HashMap<Sender, Entry>>>,
        sender: Sender,
        blobs: BlobPool,
    ) -> Self {
        Self {
            explainer,
            policy,
            entries: Arc::downgrade(entries),
            blobs,
            general: sender,
            by_domain: Arc::default(),
        }
    }

    /// Sets the sender for recipients of a domain, in any case.
    #[must_use]
    pub fn with(mut self, domain: &str, sender: Sender) -> Self {
        let domain = domain_key(domain).into();
        Arc::make_mut(&mut self.by_domain).insert(domain, sender);
        self
    }

    fn sender_for(&self, to: &ForwardPath) -> &Sender {
        let domain = to.mailbox().map(|mailbox| mailbox.domain_text());
        let domain = domain_key(domain.unwrap_or_default());
        self.by_domain.get(&*domain).unwrap_or(&self.general)
    }

    /// Passes one recipient's part through its chain. Nobody takes custody of it: for the Exploder
    /// everything that was accepted succeeds.
    async fn part(
        self,
        (whole, expansions): (usize, Option<Arc<Expansions>>),
        mut tx: Transaction,
    ) -> Result<Reply, BoxError> {
        let Some(rcpt) = tx.recipients.next().await? else {
            return Ok(Reply::no_valid_recipients());
        };
        let sender = self.sender_for(rcpt.forward_path()).clone();
        let Some(entry) = chain_of(&self.entries, &sender) else {
            return Ok(Reply::local_error());
        };
        // Recipients that others stand for are accepted whatever becomes of the others.
        let is_member = expansions.is_some_and(|all| all.has_member(rcpt.forward_path()));
        let (explainer, policy) = (self.explainer, self.policy);
        let to: Box<str> = rcpt.forward_path().as_str().into();
        let is_accepted = Arc::new(AtomicBool::new(false));
        let accepted = Arc::clone(&is_accepted);
        let rcpt = rcpt.map_reply(move |reply| {
            let is_kept = match policy {
                _ if is_member => reply.is_negative(),
                ReplyPolicy::Submission => reply.is_transient(),
                ReplyPolicy::Ingress => false,
            };
            let reply = match is_kept {
                true => {
                    let what = What::Kept(reply.without_extensions());
                    explainer.note_at(whole, NotePhase::Rcpt(to), None, what);
                    Reply::recipient_ok()
                }
                false => reply,
            };
            accepted.store(reply.is_positive(), Ordering::Relaxed);
            reply
        });
        tx.context = Arc::new(tx.context.on_behalf_of(&sender));
        // A leg has one recipient.
        tx.recipients = Recipients::from_stream(stream::iter([Ok(rcpt)]));
        let reply = entry.pass(PassageOf::Part(whole), tx).await?;
        Ok(match is_accepted.load(Ordering::Relaxed) {
            true => Reply::message_accepted(),
            false => reply,
        })
    }
}

impl Service<Transaction> for Parts {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, tx: Transaction) -> Self::Future {
        let whole = tx.signals.find::<Here>().map_or(0, |here| here.0);
        // A router above sets it with its first alias, before that comes here.
        let signals = tx.signals.clone();
        let parts = self.clone();
        let (policy, blobs) = (parts.policy, parts.blobs.clone());
        let part = service_fn(move |tx: Transaction| {
            let whole = (whole, signals.find::<Expansions>());
            Box::pin(parts.clone().part(whole, tx))
        });
        Box::pin(Exploder::new(part, policy, blobs).oneshot(tx))
    }
}

/// The route for copies made by a filter: they pass through their sender's chain.
#[derive(Debug, Clone)]
pub struct Copies {
    explainer: Explainer,
    /// The chain of the filter.
    of: Arc<str>,
    entries: Entries,
    is_stored: bool,
    is_part: bool,
}

impl Copies {
    /// Copies of what passes the chain of that name. `entries` are as those of [`Parts::new`].
    pub fn new(
        explainer: Explainer,
        of: &str,
        entries: &Arc<OnceLock<HashMap<Sender, Entry>>>,
    ) -> Self {
        Self {
            explainer,
            of: of.into(),
            entries: Arc::downgrade(entries),
            is_stored: false,
            is_part: false,
        }
    }

    /// The copies are the message itself, which a chain [hands over](crate::stage::hand_over).
    #[must_use]
    pub fn handed_over(mut self) -> Self {
        self.is_part = true;
        self
    }

    /// The copies would go through the queue: their outcome does not affect the original.
    #[must_use]
    pub fn stored(mut self) -> Self {
        self.is_stored = true;
        self
    }
}

impl Service<Transaction> for Copies {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, tx: Transaction) -> Self::Future {
        let Some(entry) = chain_of(&self.entries, &tx.context.sender) else {
            return Box::pin(async { Ok(Reply::local_error()) });
        };
        let of = self.explainer.last_of(&self.of).unwrap_or_default();
        if self.is_part {
            return Box::pin(entry.pass(PassageOf::Part(of), tx));
        }
        if !self.is_stored {
            return Box::pin(entry.pass(PassageOf::Copy(of), tx));
        }
        let tx = tx.map_recipient_replies(|_, _| Reply::recipient_ok());
        Box::pin(async move {
            entry.pass(PassageOf::Copy(of), tx).await?;
            Ok(Reply::message_accepted())
        })
    }
}
