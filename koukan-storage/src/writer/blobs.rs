//! Growing blobs.

use koukan_core::storage::BackendError;

use crate::{
    query::{CREATE_BLOB, EXTEND_BLOB, FIND_BLOB, FINISH_BLOB, INSERT_CHUNKS, Values},
    row::chunks,
};

use super::{
    BatchWriter,
    operation::{Append, Finish, Pending},
};

impl BatchWriter {
    pub(super) async fn append(
        &mut self,
        appends: &mut [Pending<Append, ()>],
    ) -> Result<(), sqlx::Error> {
        // Each append is large enough to be executed by itself.
        for append in appends {
            let outcome = self.append_one(&append.request).await?;
            append.decide(outcome);
        }
        Ok(())
    }

    pub(super) async fn append_one(
        &mut self,
        append: &Append,
    ) -> Result<Result<(), BackendError>, sqlx::Error> {
        let len = i64::try_from(append.octets.len()).expect("memory is smaller");
        let mut values = Values::default();
        values.add(len).add(append.blob.as_str()).add(append.offset);
        let extended = EXTEND_BLOB.execute(&mut self.connection, values).await?;
        if extended.affected == 0 && !self.create(append, len).await? {
            return Ok(Err(BackendError::BlobConflict));
        }
        let chunks = chunks(append.offset, append.octets.clone());
        let written =
            INSERT_CHUNKS.insert(&mut self.connection, &chunks, |(start, octets), values| {
                values
                    .add(append.blob.as_str())
                    .add(*start)
                    .add(octets.clone());
            });
        written.await?;
        Ok(Ok(()))
    }

    async fn create(&mut self, append: &Append, len: i64) -> Result<bool, sqlx::Error> {
        if append.offset != 0 {
            return Ok(false);
        }
        let mut values = Values::default();
        values.add(append.blob.as_str()).add(len).add(append.now);
        let created = CREATE_BLOB.execute(&mut self.connection, values).await?;
        Ok(created.affected == 1)
    }

    pub(super) async fn finish(
        &mut self,
        finishes: &mut [Pending<Finish, ()>],
    ) -> Result<(), sqlx::Error> {
        let finished =
            FINISH_BLOB.execute_each(&mut self.connection, finishes, |finish, values| {
                let Finish { blob, len } = &finish.request;
                values.add(blob.as_str()).add(*len);
            });
        let finished = finished.await?;
        for (finish, finished) in finishes.iter_mut().zip(finished) {
            let outcome = if finished.affected == 1 {
                Ok(())
            } else if self.has_blob(&finish.request.blob).await? {
                Err(BackendError::BlobConflict)
            } else {
                Err(BackendError::NoSuchBlob)
            };
            finish.decide(outcome);
        }
        Ok(())
    }

    async fn has_blob(&mut self, blob: &str) -> Result<bool, sqlx::Error> {
        let mut values = Values::default();
        values.add(blob);
        let found = FIND_BLOB.execute(&mut self.connection, values).await?;
        Ok(!found.rows.is_empty())
    }
}
