//! A transaction to be written.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use koukan_core::storage::{
    BackendError,
    record::{BlobContent, NewBody, NewTransaction},
};

use crate::query::Values;

use super::{
    attempt::AttemptRow, context::ContextRow, mail::MailRow, malformed::to_json,
    recipient::recipient_rows, status::StatusRow, time::micros,
};

/// Octets of a chunk, at most.
pub(crate) const CHUNK: usize = 256 << 10;

/// What a transaction takes in memory beside its texts and octets, about.
const OVERHEAD: usize = 512;

/// The row of a new transaction, and its blob.
pub(crate) struct TransactionRow {
    pub(crate) id: String,
    pub(crate) created: i64,
    context: Arc<str>,
    mail: Arc<str>,
    recipients: Arc<str>,
    pub(crate) body: Option<BodyRow>,
    retry: bool,
    notify: bool,
    attempt_count: i64,
    last_attempt: Option<Arc<str>>,
    status: StatusRow,
    final_since: Option<i64>,
    lease_session: Option<String>,
}

/// A body, and the chunks of its blob where those come with it.
pub(crate) struct BodyRow {
    prefix: Bytes,
    pub(crate) blob: String,
    pub(crate) len: i64,
    /// Start and octets of each.
    pub(crate) chunks: Option<Vec<(i64, Bytes)>>,
}

impl TransactionRow {
    /// # Errors
    ///
    /// [`BackendError::NoSuchBlob`] where the octets do not have the length said.
    pub(crate) fn new(new: NewTransaction) -> Result<Self, BackendError> {
        let final_since = new.final_since();
        let attempt_count = i64::try_from(new.attempts.len()).unwrap_or(i64::MAX);
        let last_attempt = new.attempts.last();
        // What is final is not worked on.
        let leased_by = new.leased_by.filter(|_| final_since.is_none());
        Ok(Self {
            id: new.id.to_string(),
            created: micros(new.created),
            context: to_json(&ContextRow::from(&*new.context)),
            mail: to_json(&MailRow::from(&new.mail)),
            recipients: to_json(&recipient_rows(&new.recipients)),
            retry: new.terms.retry,
            notify: new.terms.notify,
            attempt_count,
            last_attempt: last_attempt.map(|attempt| to_json(&AttemptRow::from(attempt))),
            status: (&new.status).into(),
            final_since: final_since.map(micros),
            lease_session: leased_by.map(|session| session.to_string()),
            body: new.body.map(BodyRow::new).transpose()?,
        })
    }

    /// Octets that it takes in memory and in the database, about.
    pub(crate) fn weight(&self) -> usize {
        let body = self.body.as_ref().map_or(0, BodyRow::weight);
        let texts = self.context.len() + self.mail.len() + self.recipients.len();
        OVERHEAD + body + texts + self.last_attempt.as_ref().map_or(0, |json| json.len())
    }

    /// Binds the values of [`INSERT_TRANSACTION`](crate::query::INSERT_TRANSACTION).
    pub(crate) fn bind(&self, values: &mut Values) {
        let body = self.body.as_ref();
        values
            .add(self.id.as_str())
            .add(self.created)
            .add(Arc::clone(&self.context))
            .add(Arc::clone(&self.mail))
            .add(Arc::clone(&self.recipients))
            .add(body.map(|body| &*body.prefix))
            .add(body.map(|body| body.blob.as_str()))
            .add(body.map(|body| body.len))
            .add(self.retry)
            .add(self.notify)
            .add(self.attempt_count)
            .add(self.last_attempt.clone());
        self.status.bind(values);
        values
            .add(self.final_since)
            .add(self.lease_session.as_deref())
            .add(i64::from(self.lease_session.is_some()));
    }
}

impl BodyRow {
    fn new(body: NewBody) -> Result<Self, BackendError> {
        let chunks = match body.content {
            BlobContent::Stored => None,
            BlobContent::Inline(pieces) => {
                let len: usize = pieces.iter().map(Bytes::len).sum();
                if len as u64 != body.len {
                    return Err(BackendError::NoSuchBlob);
                }
                Some(chunks(0, join(pieces, len)))
            }
        };
        Ok(Self {
            prefix: body.prefix,
            blob: body.blob.to_string(),
            len: i64::try_from(body.len).map_err(|_| BackendError::NoSuchBlob)?,
            chunks,
        })
    }

    fn weight(&self) -> usize {
        let chunks = self.chunks.iter().flatten();
        let octets: usize = chunks.map(|(_, octets)| octets.len()).sum();
        self.prefix.len() + octets
    }
}

/// Cuts octets that begin at `start` into chunks.
pub(crate) fn chunks(start: i64, mut octets: Bytes) -> Vec<(i64, Bytes)> {
    let mut chunks = Vec::with_capacity(octets.len().div_ceil(CHUNK));
    let mut start = start;
    while !octets.is_empty() {
        let chunk = octets.split_to(octets.len().min(CHUNK));
        let len = i64::try_from(chunk.len()).expect("a chunk is small");
        chunks.push((start, chunk));
        start += len;
    }
    chunks
}

fn join(mut pieces: Vec<Bytes>, len: usize) -> Bytes {
    if pieces.len() == 1 {
        return pieces.remove(0);
    }
    let mut joined = BytesMut::with_capacity(len);
    pieces
        .iter()
        .for_each(|piece| joined.extend_from_slice(piece));
    joined.freeze()
}
