//! The removal of garbage.

use koukan_core::storage::Removed;

use crate::database::Dialect;
use crate::query::{
    DATE_FINISHED, DELETE_BLOB, DELETE_CHUNKS, DELETE_EVENTS, DELETE_FINISHED, DELETE_SUMMARIES,
    DELETE_SUPPRESSIONS, LOCK_BLOBS, Values,
};

use super::{
    BatchWriter,
    operation::{Collect, Pending},
};

/// How many transactions are removed in one go at most.
const AT_ONCE: i64 = 256;
/// How many addresses may be suppressed at a time, for all senders together.
pub(crate) const SUPPRESSED_MAX: i64 = 100_000;

impl BatchWriter {
    pub(super) async fn collect(
        &mut self,
        collections: &mut [Pending<Collect, Removed>],
    ) -> Result<(), sqlx::Error> {
        for collection in collections {
            let Collect {
                now,
                final_before,
                orphans,
                events_before,
                events_kept,
            } = &collection.request;
            let mut values = Values::default();
            values.add(*now);
            DATE_FINISHED.execute(&mut self.connection, values).await?;
            let mut values = Values::default();
            values.add(*final_before).add(AT_ONCE);
            let deleted = DELETE_FINISHED.execute(&mut self.connection, values);
            let mut transactions = deleted.await?.affected;
            let mut values = Values::default();
            let room = AT_ONCE.saturating_sub_unsigned(transactions);
            values.add(*final_before).add(room);
            let deleted = DELETE_SUMMARIES.execute(&mut self.connection, values);
            transactions += deleted.await?.affected;
            let blobs = self.delete_blobs(orphans).await?;
            let mut values = Values::default();
            values.add(*events_before).add(*events_kept);
            let deleted = DELETE_EVENTS.execute(&mut self.connection, values);
            let events = deleted.await?.affected;
            let mut values = Values::default();
            values.add(*now).add(SUPPRESSED_MAX);
            let ended = DELETE_SUPPRESSIONS.execute(&mut self.connection, values);
            let suppressions = ended.await?.affected;
            if transactions > 0 || blobs > 0 || events > 0 || suppressions > 0 {
                self.has_removed = true;
            }
            collection.decide(Ok(Removed {
                transactions,
                blobs,
                events,
                suppressions,
            }));
        }
        Ok(())
    }

    async fn delete_blobs(&mut self, orphans: &[String]) -> Result<u64, sqlx::Error> {
        let bind = |blob: &&String, values: &mut Values| {
            values.add(blob.as_str());
        };
        let candidates: Vec<_> = orphans.iter().collect();
        if self.connection.dialect() == Dialect::Postgres && !candidates.is_empty() {
            // Other commits may be referring to these blobs just now. The lock waits for them, and
            // then sees their references.
            let mut values = Values::default();
            values.add(orphans.to_vec());
            LOCK_BLOBS.execute(&mut self.connection, values).await?;
        }
        let deleted = DELETE_BLOB.execute_each(&mut self.connection, &candidates, bind);
        let deleted = deleted.await?;
        let deleted = candidates.into_iter().zip(deleted);
        let deleted: Vec<_> = deleted
            .filter(|(_, deleted)| deleted.affected == 1)
            .map(|(blob, _)| blob)
            .collect();
        let chunks = DELETE_CHUNKS.execute_each(&mut self.connection, &deleted, bind);
        chunks.await?;
        Ok(deleted.len() as u64)
    }
}
