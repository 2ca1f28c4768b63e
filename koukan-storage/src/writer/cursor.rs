//! The positions of readers of events.

use koukan_core::storage::BackendError;

use crate::query::{HOLD_READER, KEEP_CURSOR, KEEP_CURSOR_OF, Values};

use super::{
    BatchWriter,
    operation::{KeepCursor, Pending},
};

impl BatchWriter {
    /// Writes the positions of readers.
    pub(super) async fn keep_cursors(
        &mut self,
        cursors: &mut [Pending<KeepCursor, ()>],
    ) -> Result<(), sqlx::Error> {
        // All processes use the same order, so that no two wait for each other.
        cursors.sort_by(|one, other| one.request.reader().cmp(&other.request.reader()));
        for cursor in cursors {
            let mut values = Values::default();
            let statement = match &cursor.request {
                KeepCursor::Of { name, number } => {
                    values.add(&**name).add(*number);
                    &KEEP_CURSOR
                }
                KeepCursor::By {
                    name,
                    number,
                    reader: (reader, session),
                } => {
                    values.add(&**name).add(*number);
                    values.add(&**reader).add(session.to_string());
                    &KEEP_CURSOR_OF
                }
                KeepCursor::Hold(reader, session) => {
                    values.add(&**reader).add(session.to_string());
                    &HOLD_READER
                }
            };
            let executed = statement.execute(&mut self.connection, values).await?;
            cursor.decide(match executed.affected {
                0 => Err(BackendError::LeaseLost),
                _ => Ok(()),
            });
        }
        Ok(())
    }
}
