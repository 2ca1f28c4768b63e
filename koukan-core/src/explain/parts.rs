//! Parts and copies of a message, which pass chains of their own.

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
    path::ForwardPath,
    reply::Reply,
    resource::{NotePhase, PassageOf, What},
    signals::Expansions,
    stage::exploder::{Exploder, ReplyPolicy},
    transaction::{Recipients, Transaction},
};

use super::{Entry, Explainer, recorder::Here};

/// Chains by their senders, once all of them are made. They hold whoever looks there: so whoever looks does not
/// hold them.
type Entries = Weak<OnceLock<HashMap<Sender, Entry>>>;

fn chain_of(entries: &Entries, sender: &Sender) -> Option<Entry> {
    entries.upgrade()?.get()?.get(sender).cloned()
}

/// In place of an Exploder: each recipient's part passes the chain of its sender.
///
/// What is refused for now at a part's RCPT a [`ReplyPolicy::Submission`] would keep: it is noted, and the client
/// hears of no refusal.
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
    /// Parts are on behalf of `sender`, whose chain stands among `entries` when a message comes. Whoever runs the
    /// chains holds these until then: without them no sender has a chain.
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

    /// Recipients of a domain, in any case, have that sender.
    #[must_use]
    pub fn with(mut self, domain: &str, sender: Sender) -> Self {
        let domain = domain.to_ascii_lowercase().into();
        Arc::make_mut(&mut self.by_domain).insert(domain, sender);
        self
    }

    fn sender_for(&self, to: &ForwardPath) -> &Sender {
        let domain = to.mailbox().map(|mailbox| mailbox.domain_text());
        let domain = domain.unwrap_or_default().to_ascii_lowercase();
        self.by_domain.get(&*domain).unwrap_or(&self.general)
    }

    /// Lets one recipient's part pass its chain. Nobody is to take it into custody: to the Exploder all
    /// that was accepted succeeds.
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
        // Those for whom others stand are kept whatever becomes of them.
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

/// The route of the copies that a filter makes: they pass the chain of their sender.
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

    /// They are the message itself, which a chain [hands on](crate::stage::hand_over).
    #[must_use]
    pub fn handed_over(mut self) -> Self {
        self.is_part = true;
        self
    }

    /// They would go by the queue: what becomes of them is nothing to the original.
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
