//! How far readers of events have come.

use crate::query::{KEEP_CURSOR, Values};

use super::{
    BatchWriter,
    operation::{KeepCursor, Pending},
};

impl BatchWriter {
    /// Writes how far readers have come.
    pub(super) async fn keep_cursors(
        &mut self,
        cursors: &mut [Pending<KeepCursor, ()>],
    ) -> Result<(), sqlx::Error> {
        for cursor in cursors {
            let KeepCursor { name, number } = &cursor.request;
            let mut values = Values::default();
            values.add(&**name).add(*number);
            KEEP_CURSOR.execute(&mut self.connection, values).await?;
            cursor.decide(Ok(()));
        }
        Ok(())
    }
}
