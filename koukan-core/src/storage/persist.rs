//! Bringing bodies into the durable tier and back.

use std::{io, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use jiff::Timestamp;

use crate::{
    blob::{Backing, Blob, BlobId},
    causes::Causes,
    path::ReversePath,
};

use super::{
    AttemptEnd, Backend, BackendError, Storage,
    conclude::conclude,
    live::{Durability, Live, Side},
    live_body::{LiveBody, LivePart},
    record::{BlobContent, BodyKind, NewBody, NewPart, Settlement, Status, StoredBody, Terms},
};

/// Octets of a blob that are written in the transaction's own commit, at most; larger blobs are
/// written before it.
const INLINE_MAX: u64 = 64 << 10;
/// Octets of a larger blob that are written at a time.
const PIECE: usize = 256 << 10;
/// How long a failed write is waited for, at first and at most.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(30)];

impl Storage {
    /// Makes a body fit to be inserted, with the parts that are finished; large blobs are written
    /// now. `None` where something of it is not finished.
    pub(super) async fn persist(&self, body: LiveBody) -> Result<Option<NewBody>, BackendError> {
        let is_complete = body.is_complete();
        let body = self.persist_finished(body).await?;
        Ok(body.filter(|_| is_complete))
    }

    /// As [`Storage::persist`]; parts that are not finished are left out.
    pub(super) async fn persist_finished(
        &self,
        body: LiveBody,
    ) -> Result<Option<NewBody>, BackendError> {
        let mut room = INLINE_MAX;
        let Some((len, content)) = self.persist_blob(&body.blob, &mut room).await? else {
            return Ok(None);
        };
        let mut parts = Vec::new();
        for part in body.parts() {
            if let Some((len, content)) = self.persist_blob(&part.blob, &mut room).await? {
                parts.push(NewPart {
                    name: part.name.clone(),
                    blob: part.blob.id(),
                    len,
                    content,
                });
            }
        }
        Ok(Some(NewBody {
            blob: body.blob.id(),
            len,
            content,
            kind: match body.parts {
                Some(_) => BodyKind::Composition,
                None => BodyKind::Message,
            },
            parts,
            prefix: join(body.prefix),
        }))
    }

    /// The length and the octets of a blob, if it is finished. What has no room in the
    /// transaction's own commit is written now.
    async fn persist_blob(
        &self,
        blob: &Blob,
        room: &mut u64,
    ) -> Result<Option<(u64, BlobContent)>, BackendError> {
        let Some(len) = blob.len() else {
            return Ok(None);
        };
        if let Some(octets) = blob.in_memory()
            && len <= *room
        {
            *room -= len;
            return Ok(Some((len, BlobContent::Inline(octets))));
        }
        blob.persist(|| self.write_blob(blob, len)).await?;
        Ok(Some((len, BlobContent::Stored)))
    }

    async fn write_blob(&self, blob: &Blob, len: u64) -> Result<(), BackendError> {
        let now = self.clock().now();
        let mut reader = blob.reader();
        // What an earlier try has written stands.
        let mut offset = blob.stored_len();
        let mut skip = offset;
        let mut piece = BytesMut::new();
        loop {
            let octets = reader.next().await;
            let octets = octets.map_err(|error| BackendError::Failed(error.into()))?;
            let new = octets.as_deref().unwrap_or_default();
            let known = usize::try_from(skip).map_or(new.len(), |skip| skip.min(new.len()));
            skip -= known as u64;
            piece.extend_from_slice(&new[known..]);
            if piece.len() >= PIECE || octets.is_none() && !piece.is_empty() {
                let written = piece.split().freeze();
                let next = offset + written.len() as u64;
                self.backend()
                    .append_blob(blob.id(), offset, written, now)
                    .await?;
                offset = next;
                blob.set_stored_len(offset);
            }
            if octets.is_none() {
                break;
            }
        }
        self.backend().finish_blob(blob.id(), len).await?;
        blob.rebase(self.backing(blob.id()));
        Ok(())
    }

    /// A body as it lies in the backend.
    pub(super) fn stored_body(&self, body: StoredBody) -> LiveBody {
        let blob = |id, len| Blob::stored(id, len, self.backing(id));
        let parts = body.parts.into_iter().map(|part| LivePart {
            blob: blob(part.blob, part.len),
            name: part.name,
        });
        LiveBody {
            parts: match body.kind {
                BodyKind::Message => None,
                BodyKind::Composition => Some(parts.collect()),
            },
            blob: blob(body.blob, body.len),
            prefix: vec![body.prefix],
        }
    }

    fn backing(&self, blob: BlobId) -> Arc<dyn Backing> {
        Arc::new(StoredOctets {
            backend: Arc::clone(self.backend()),
            blob,
        })
    }

    /// Writes what an attempt under lease brought, and goes on trying while the backend fails: the
    /// lease stays with this session, so nobody else can say what became of it.
    pub(super) async fn settle(
        &self,
        live: &Arc<Live>,
        end: AttemptEnd,
    ) -> Result<(), BackendError> {
        let Durability::Leased { fence, terms } = live.lock().durability else {
            return Ok(());
        };
        let mut settlement = self.settlement(live, end, fence, terms);
        let status = settlement.status.clone();
        self.write_settlement(&mut settlement).await?;
        live.update(Side::Reader, |state| {
            state.recipients = settlement.recipients;
        });
        live.settled(fence, status.clone());
        self.due_changed(&status);
        self.cancel_late(live).await
    }

    /// As `settle`, in a task of its own.
    pub(super) fn settle_in_background(&self, live: Arc<Live>, end: AttemptEnd) {
        let storage = self.clone();
        self.spawn(async move {
            if let Err(error) = storage.settle(&live, end).await {
                tracing::error!(id = %live.id, error = %Causes(&error), "could not settle a transaction");
            }
        });
    }

    /// Gives a lease back that ended without an outcome.
    pub(super) fn release_in_background(&self, live: Arc<Live>, fence: u64) {
        let storage = self.clone();
        self.spawn(async move { storage.release(&live, fence).await });
    }

    /// Ends a lease without an attempt; it goes on as `status` says.
    pub(super) async fn postpone(
        &self,
        live: &Arc<Live>,
        fence: u64,
        status: Status,
    ) -> Result<(), BackendError> {
        let mut settlement = Settlement {
            id: live.id,
            session: self.session(),
            fence,
            attempt: None,
            recipients: live.lock().recipients.clone(),
            status: status.clone(),
            notification: None,
        };
        self.write_settlement(&mut settlement).await?;
        live.settled(fence, status.clone());
        self.due_changed(&status);
        self.cancel_late(live).await
    }

    /// As `postpone`, in a task of its own.
    pub(super) fn postpone_in_background(&self, live: Arc<Live>, fence: u64, status: Status) {
        let storage = self.clone();
        self.spawn(async move {
            if let Err(error) = storage.postpone(&live, fence, status).await {
                tracing::error!(id = %live.id, error = %Causes(&error), "could not give a lease back");
            }
        });
    }

    /// Gives a lease back; the transaction is due as it was.
    pub(super) async fn release(&self, live: &Arc<Live>, fence: u64) {
        let id = live.id;
        let released = self.backend().release(id, self.session(), fence);
        if let Err(error) = released.await {
            tracing::warn!(%id, error = %Causes(&error), "could not give a lease back");
        }
        // Unless it is under another lease by now, which has another token.
        live.released(fence);
        self.due_changed(&self.due_now());
        if let Err(error) = self.cancel_late(live).await {
            tracing::warn!(%id, error = %Causes(&error), "could not cancel a transaction");
        }
    }

    fn settlement(&self, live: &Live, end: AttemptEnd, fence: u64, terms: Terms) -> Settlement {
        let mut recipients = live.lock().recipients.clone();
        let null = ReversePath::Null;
        let reverse_path = live.mail().map_or(&null, |mail| &mail.reverse_path);
        let status = conclude(&mut recipients, &end, terms, reverse_path);
        Settlement {
            id: live.id,
            session: self.session(),
            fence,
            attempt: Some(end.attempt),
            recipients,
            status,
            notification: None,
        }
    }

    pub(super) async fn write_settlement(
        &self,
        settlement: &mut Settlement,
    ) -> Result<(), BackendError> {
        let [mut back_off, longest] = BACK_OFF;
        let mut has_failed = false;
        loop {
            match self.backend().settle(settlement.clone()).await {
                Err(error @ (BackendError::Full(_) | BackendError::Failed(_))) => {
                    tracing::error!(id = %settlement.id, error = %Causes(&error), "could not settle, will try again");
                    has_failed = true;
                    tokio::time::sleep(back_off).await;
                    back_off = longest.min(back_off * 2);
                }
                // What failed may have been written, and only its answer lost: the lease is gone then.
                Err(BackendError::LeaseLost) if has_failed && self.is_written(settlement).await => {
                    return Ok(());
                }
                Err(error) => {
                    // Whatever became of it, the transaction may be due.
                    self.due_changed(&self.due_now());
                    return Err(error);
                }
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Whether a transaction stands as a settlement left it.
    async fn is_written(&self, settlement: &Settlement) -> bool {
        let stored = self.backend().find(settlement.id).await;
        let Ok(Some(stored)) = stored else {
            return false;
        };
        match &settlement.attempt {
            // Nobody else made one at that time.
            Some(attempt) => stored
                .last_attempt
                .is_some_and(|last| same_moment(last.started, attempt.started)),
            None => match (&stored.status, &settlement.status) {
                (Status::Due(stored), Status::Due(settled)) => {
                    stored.work == settled.work && same_moment(stored.at, settled.at)
                }
                (stored, settled) => stored == settled,
            },
        }
    }
}

/// Whether two times are the same, as exactly as every backend keeps them.
fn same_moment(a: Timestamp, b: Timestamp) -> bool {
    a.as_millisecond() == b.as_millisecond()
}

/// The octets of a blob in the backend.
struct StoredOctets {
    backend: Arc<dyn Backend>,
    blob: BlobId,
}

#[async_trait]
impl Backing for StoredOctets {
    async fn read(&self, offset: u64) -> io::Result<Bytes> {
        let octets = self.backend.read_blob(self.blob, offset).await;
        octets.map_err(io::Error::other)
    }
}

fn join(mut pieces: Vec<Bytes>) -> Bytes {
    match pieces.len() {
        0 => Bytes::new(),
        1 => pieces.remove(0),
        _ => pieces.concat().into(),
    }
}
