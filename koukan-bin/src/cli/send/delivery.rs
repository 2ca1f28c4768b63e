//! Sends one message to several recipients, with a transaction for each.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use koukan_core::{
    context::Sender,
    path::ForwardPath,
    resource::{
        Create, Created, Draft, Location, Operation, Read, Refusal, RefusalKind, ResourceRequest,
        ResourceResponse, Upload, View, WaitFor,
    },
    transaction::{Mail, Rcpt},
};
use koukan_rest::client::Client;
use tokio::time::Instant;
use tower::{BoxError, ServiceExt};

use super::{
    outcome::Outcome,
    source::{Content, Piece, Source},
    upload::file,
};

/// The most transactions that are created and awaited at the same time.
const AT_ONCE: usize = 16;

pub(super) struct Delivery {
    pub(super) client: Client,
    pub(super) sender: Sender,
    pub(super) mail: Mail,
    pub(super) wait: Duration,
    pub(super) has_progress: bool,
}

/// A transaction that was created, or the outcome if it was not.
struct Started {
    to: String,
    until: Instant,
    made: Result<Created, Refusal>,
}

/// The state of a recipient's delivery.
enum Turn {
    Begun(Result<Started, BoxError>),
    Next(ForwardPath),
}

impl Delivery {
    /// Sends to all recipients; returns the outcomes in their order.
    ///
    /// # Errors
    ///
    /// The first error, if the agent could not be asked about any recipient.
    pub(super) async fn deliver(
        &self,
        mut source: Source,
        to: Vec<ForwardPath>,
    ) -> Result<Vec<Outcome>, BoxError> {
        let names: Vec<_> = to.iter().map(ToString::to_string).collect();
        let mut to = to.into_iter();
        // The others share what is uploaded for the first one, so they are created after it; its
        // end is awaited together with theirs.
        let mut first = Vec::new();
        while !source.pieces().is_empty()
            && let Some(to) = to.next()
        {
            let started = self.start(&source, to).await;
            first.push(Turn::Begun(started.map(|(started, shared)| {
                if let Some(shared) = shared {
                    source = shared;
                }
                started
            })));
        }
        let turns = first.into_iter().chain(to.map(Turn::Next));
        let ends = turns.map(|turn| self.end_of(turn, &source));
        let ends = stream::iter(ends).buffered(AT_ONCE);
        let ends: Vec<_> = ends.collect().await;
        if ends.iter().all(Result::is_err) {
            return ends.into_iter().collect();
        }
        let outcomes = names.into_iter().zip(ends);
        let outcomes =
            outcomes.map(|(to, end)| end.unwrap_or_else(|error| Outcome::unknown(to, &*error)));
        Ok(outcomes.collect())
    }

    async fn end_of(&self, turn: Turn, source: &Source) -> Result<Outcome, BoxError> {
        let started = match turn {
            Turn::Begun(started) => started?,
            Turn::Next(to) => self.start(source, to).await?.0,
        };
        let Started { to, until, made } = started;
        match made {
            Ok(created) => {
                let view = self.end(&created, until).await?;
                Ok(Outcome::of(to, created.location, &view))
            }
            Err(refusal) => Ok(Outcome::refused(to, &refusal)),
        }
    }

    /// Creates a transaction and uploads what belongs to it. Also returns the source for later
    /// transactions, if they can reuse the uploads.
    async fn start(
        &self,
        source: &Source,
        to: ForwardPath,
    ) -> Result<(Started, Option<Source>), BoxError> {
        let pieces = source.pieces();
        let create = Create {
            sender: self.sender.clone(),
            draft: Draft {
                mail_from: Some(self.mail.clone()),
                rcpt_to: vec![Rcpt::new(to.clone())],
                body: source.body(),
                ..Draft::default()
            },
            wait: pieces.is_empty().then_some(self.wait),
            wait_for: WaitFor::End,
            idempotency_key: Some(koukan_core::blob::BlobId::random().to_string().into()),
        };
        let until = Instant::now() + self.wait;
        let started = |made| Started {
            to: to.to_string(),
            until,
            made,
        };
        let created = match self.ask(Operation::Create(Box::new(create))).await? {
            ResourceResponse::Created(created) => created,
            ResourceResponse::Refused(refusal) => return Ok((started(Err(refusal)), None)),
            other => return Err(format!("not an answer to a create: {other:?}").into()),
        };
        let mut places = Vec::with_capacity(pieces.len());
        for Piece { id, content } in pieces {
            let uri = place(&created, id.as_deref());
            let upload = Upload {
                to: uri.clone(),
                range: None,
                content: match content {
                    Content::File(path) => file(&path, self.has_progress).await?,
                    Content::Octets(octets) => octets.into(),
                },
            };
            match self.ask(Operation::Upload(upload)).await? {
                ResourceResponse::Uploaded(_) => places.push((id, uri)),
                ResourceResponse::Refused(refusal) => {
                    // The recipient may have been refused meanwhile; then its outcome is reported.
                    let is_over = refusal.kind == RefusalKind::Conflict
                        && self.end(&created, Instant::now()).await?.is_final();
                    let made = if is_over { Ok(created) } else { Err(refusal) };
                    return Ok((started(made), None));
                }
                other => return Err(format!("not an answer to an upload: {other:?}").into()),
            }
        }
        let shared = (!places.is_empty()).then(|| source.clone().shared(&places));
        Ok((started(Ok(created)), shared))
    }

    /// The transaction at its end, or its state when the time is up.
    async fn end(&self, created: &Created, until: Instant) -> Result<View, BoxError> {
        let mut view = (*created.view).clone();
        let mut is_read = false;
        while !view.is_final() && (!is_read || Instant::now() < until) {
            is_read = true;
            let left = until.saturating_duration_since(Instant::now());
            let read = Read {
                transaction: created.location.clone(),
                if_none_match: None,
                wait: Some(left.clamp(Duration::from_secs(1), Duration::from_secs(30))),
                wait_for: WaitFor::End,
            };
            match self.ask(Operation::Read(read)).await? {
                ResourceResponse::Current { view: now, .. } => view = *now,
                ResourceResponse::Refused(refusal) => return Err(refusal.to_string().into()),
                _ => {}
            }
        }
        Ok(view)
    }

    async fn ask(&self, operation: Operation) -> Result<ResourceResponse, BoxError> {
        let request = ResourceRequest::trusted(operation);
        self.client
            .clone()
            .oneshot(request)
            .await
            .map_err(Into::into)
    }
}

/// Where to upload the message, or a part.
fn place(created: &Created, id: Option<&str>) -> Location {
    let body = created.view.body.as_ref();
    match id {
        None => {
            let told = body.and_then(|body| body.blob_status.as_ref());
            told.map_or_else(|| created.location.join("body"), |blob| blob.uri.clone())
        }
        Some(id) => created.location.join("blob").join(id),
    }
}
