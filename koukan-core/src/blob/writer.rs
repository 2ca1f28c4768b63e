//! The one writer of a blob.

use std::{fmt, io, sync::Arc};

use bytes::Bytes;

use super::{
    Backing, BlobReader, SpillFile,
    state::{End, Shared},
};

/// Appends to a blob; dropping it without [`BlobWriter::finish`] aborts the blob.
pub struct BlobWriter {
    shared: Arc<Shared>,
    file: Option<Arc<dyn SpillFile>>,
}

/// Octets could not be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The memory budget is used up and there is no place to spill to.
    #[error("no memory left for message bodies")]
    Full,
    /// The place to spill to failed.
    #[error("could not spill a message body")]
    Spill(#[source] io::Error),
}

impl BlobWriter {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, file: None }
    }

    /// Appends octets, and spills older ones where the window is full and memory is short.
    ///
    /// # Errors
    ///
    /// [`BlobError`]; the blob is then as it was before or holds the chunk, and can only be
    /// aborted.
    ///
    /// # Cancel safety
    ///
    /// The chunk is appended once the future was polled.
    pub async fn append(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        let in_memory = self.shared.push(chunk);
        let Some(pool) = self.shared.pool.clone() else {
            return Ok(());
        };
        match &pool.0.spill {
            Some(_)
                if in_memory <= pool.0.limits.window
                    || pool.used() <= pool.0.limits.spill_above =>
            {
                Ok(())
            }
            Some(spill) => {
                let file = match &self.file {
                    Some(file) => Arc::clone(file),
                    None => match spill.create().await {
                        // There are as many files as there may be: it goes on in memory, if it can.
                        Err(error) if error.kind() == io::ErrorKind::QuotaExceeded => {
                            return match pool.is_exhausted() {
                                true => Err(BlobError::Full),
                                false => Ok(()),
                            };
                        }
                        created => created.map_err(BlobError::Spill)?,
                    },
                };
                self.file = Some(Arc::clone(&file));
                // Half a window stays, so that readers close behind find it in memory.
                self.spill(file, in_memory - pool.0.limits.window / 2).await
            }
            None if pool.used() > pool.0.limits.budget => Err(BlobError::Full),
            None => Ok(()),
        }
    }

    async fn spill(&self, file: Arc<dyn SpillFile>, octets: u64) -> Result<(), BlobError> {
        let (start, (octets, chunks)) = {
            let state = self.shared.lock();
            (state.tail_start, state.oldest(octets))
        };
        file.write(start, chunks).await.map_err(BlobError::Spill)?;
        let backing: Arc<dyn Backing> = file;
        self.shared.spilled(octets, backing);
        Ok(())
    }

    /// How many octets were appended so far.
    pub fn len(&self) -> u64 {
        self.shared.lock().len
    }

    /// Whether nothing was appended so far.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A reader of what was appended so far, from `position` on, which must not be behind the end.
    ///
    /// What it reads does not count as read where octets are to be taken back.
    pub fn reader(&self, position: u64) -> BlobReader {
        BlobReader::of_writer(Arc::clone(&self.shared), position)
    }

    /// Takes back the octets from `len` on, so that the blob goes on from there; returns whether it
    /// was done. It is not where a reader was given some of these octets, or where the blob has
    /// spilled any.
    pub fn truncate(&mut self, len: u64) -> bool {
        // A write that was given up may still reach the file, after those that come now.
        self.file.is_none() && self.shared.truncate(len)
    }

    /// Ends the blob cleanly: it is complete and never changes again.
    pub fn finish(self) {
        self.shared.end(End::Finished);
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        self.shared.end(End::Aborted);
    }
}

impl fmt::Debug for BlobWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobWriter({})", self.shared.id)
    }
}
