//! The only writer of a blob.

use std::{fmt, io, sync::Arc};

use bytes::Bytes;

use super::{
    Backing, BlobReader, Limits, SpillFile,
    state::{End, Pushed, Shared},
};

/// Appends to a blob. Dropping it without [`BlobWriter::finish`] aborts the blob.
pub struct BlobWriter {
    shared: Arc<Shared>,
    file: Option<Arc<dyn SpillFile>>,
}

/// Why octets could not be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The payer's share of memory and of spill is used up.
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

    /// Appends octets. Spills older ones if the window is full and memory is short.
    ///
    /// # Errors
    ///
    /// [`BlobError`]. The blob may or may not contain the chunk, and can only be aborted.
    ///
    /// # Cancel safety
    ///
    /// Once the future was polled, the chunk is appended.
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
                // The number of spill files is at its limit: go on in memory, if possible.
                Err(error) if error.kind() == io::ErrorKind::QuotaExceeded => {
                    return granted(is_granted);
                }
                created => created.map_err(BlobError::Spill)?,
            },
        };
        self.file = Some(Arc::clone(&file));
        // Half of the permitted octets stay, so that readers close behind find them in memory.
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

    /// The number of octets appended so far.
    pub fn len(&self) -> u64 {
        self.shared.lock().len
    }

    /// Whether nothing was appended so far.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A reader of the octets appended so far, from `position` on, which must not be beyond the
    /// end.
    ///
    /// Octets that it reads can still be withdrawn.
    pub fn reader(&self, position: u64) -> BlobReader {
        BlobReader::of_writer(Arc::clone(&self.shared), position)
    }

    /// Withdraws the octets from `len` on, so that the blob continues from there. Returns whether
    /// it was done. It is not possible where a reader has seen some of these octets, or octets were
    /// spilled.
    pub fn truncate(&mut self, len: u64) -> bool {
        // An abandoned write may still reach the file, after later ones.
        self.file.is_none() && self.shared.truncate(len)
    }

    /// Ends the blob: it is complete and never changes again.
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
