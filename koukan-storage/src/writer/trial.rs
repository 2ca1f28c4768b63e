//! Finds out whether a message could be written, without a message.

use bytes::Bytes;
use koukan_core::blob::BlobId;

use crate::query::{BEGIN, COMMIT, DELETE_BLOB, DELETE_CHUNKS, Values};

use super::{Append, BatchWriter};

/// The size of a trial, in octets: that of a usual message.
const TRIAL: usize = 64 << 10;

impl BatchWriter {
    /// Writes octets that belong to nobody, and deletes them.
    pub(crate) async fn write_trial(&mut self) -> Result<(), sqlx::Error> {
        let trial = Append {
            blob: BlobId::random().to_string(),
            offset: 0,
            octets: Bytes::from(vec![0; TRIAL]),
            // So old that it is removed as garbage if the process ends before it is deleted.
            now: 0,
        };
        self.begin().await?;
        let appended = self.append_one(&trial).await?;
        debug_assert!(appended.is_ok(), "the identifier is new");
        self.end().await?;
        self.begin().await?;
        for statement in [&DELETE_BLOB, &DELETE_CHUNKS] {
            let mut values = Values::default();
            values.add(trial.blob.as_str());
            statement.execute(&mut self.connection, values).await?;
        }
        self.end().await
    }

    async fn begin(&mut self) -> Result<(), sqlx::Error> {
        let begun = BEGIN.execute(&mut self.connection, Values::default());
        begun.await.map(|_| ())
    }

    async fn end(&mut self) -> Result<(), sqlx::Error> {
        let committed = COMMIT.execute(&mut self.connection, Values::default());
        committed.await.map(|_| ())
    }
}
