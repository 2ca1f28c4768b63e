//! The one writer of a blob.

use std::{fmt, io, sync::Arc};

use bytes::Bytes;

use super::{
    Backing, BlobReader, Limits, SpillFile,
    state::{End, Pushed, Shared},
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
    /// What whoever pays for it may use is used up, in memory and where octets spill to.
    #[error("no room left for message bodies")]
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
        let Pushed {
            in_memory,
            is_granted,
        } = self.shared.push(chunk);
        let Some(pool) = self.shared.pool.clone() else {
            return Ok(());
        };
        let Limits {
            window,
            spill_above,
            ..
        } = pool.0.limits;
        let Some(spill) = &pool.0.spill else {
            return granted(is_granted);
        };
        if is_granted && (in_memory <= window || pool.used() <= spill_above) {
            return Ok(());
        }
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => match spill.create().await {
                // There are as many files as there may be: it goes on in memory, if it can.
                Err(error) if error.kind() == io::ErrorKind::QuotaExceeded => {
                    return granted(is_granted);
                }
                created => created.map_err(BlobError::Spill)?,
            },
        };
        self.file = Some(Arc::clone(&file));
        // Half of what may stay does, so that readers close behind find it in memory.
        let stays = window.min(self.shared.granted()) / 2;
        self.spill(file, in_memory.saturating_sub(stays), window)
            .await
    }

    async fn spill(
        &self,
        file: Arc<dyn SpillFile>,
        octets: u64,
        step: u64,
    ) -> Result<(), BlobError> {
        let (start, (octets, chunks)) = {
            let state = self.shared.lock();
            (state.tail_start, state.oldest(octets))
        };
        granted(self.shared.may_spill(octets, step))?;
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

fn granted(is_granted: bool) -> Result<(), BlobError> {
    match is_granted {
        true => Ok(()),
        false => Err(BlobError::Full),
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
