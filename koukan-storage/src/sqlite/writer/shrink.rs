//! Returns space in the database's file to the disk.
//!
//! SQLite reuses free pages, so the file would never become smaller. While there is nothing else to
//! do, it is made smaller step by step.

use koukan_core::causes::Causes;

use crate::database::Connection;
use crate::query::{FREE_PAGES, VACUUM, Values};

use super::{
    super::{error::Cause, room::Pages},
    task::Task,
};

/// Free pages that are kept for later writes.
const KEPT: i64 = 1024;

/// Whether there may be space to return.
pub(super) struct Shrinking {
    is_due: bool,
}

impl Default for Shrinking {
    /// An earlier process may have left free space.
    fn default() -> Self {
        Self { is_due: true }
    }
}

impl Shrinking {
    /// Notes that something was removed.
    pub(super) fn removed(&mut self) {
        self.is_due = true;
    }

    pub(super) fn is_due(&self) -> bool {
        self.is_due
    }
}

impl Task {
    /// Makes the file smaller by one step, if that is due.
    pub(super) async fn shrink(&mut self) {
        if !self.shrinking.is_due() {
            return;
        }
        match self.try_shrink().await {
            Ok(is_due) => self.shrinking.is_due = is_due,
            Err(error) => {
                self.shrinking.is_due = false;
                let error = Cause::from(error);
                self.hear(&error);
                tracing::warn!(error = %Causes(&error), "could not make the database smaller");
            }
        }
    }

    /// Returns whether there is more to return.
    async fn try_shrink(&mut self) -> Result<bool, sqlx::Error> {
        let free = self.free_pages().await?;
        if free <= 0 {
            return Ok(false);
        }
        VACUUM
            .execute(&mut self.batches.connection, Values::default())
            .await?;
        let left = self.free_pages().await?;
        // A database of an earlier version keeps its free pages.
        Ok(left > 0 && left < free)
    }

    /// How many pages can be returned.
    async fn free_pages(&mut self) -> Result<i64, sqlx::Error> {
        let Pages { free, all } = count_pages(&mut self.batches.connection).await?;
        let (free, all) = (free.cast_signed(), all.cast_signed());
        Ok(free - KEPT - (all - free) / 8)
    }
}

/// Counts the pages of a database.
pub(in crate::sqlite) async fn count_pages(
    connection: &mut Connection,
) -> Result<Pages, sqlx::Error> {
    let counted = FREE_PAGES.execute(connection, Values::default()).await?;
    let Some(row) = counted.rows.first() else {
        return Ok(Pages { free: 0, all: 0 });
    };
    let (free, all): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    Ok(Pages {
        free: free.try_into().unwrap_or_default(),
        all: all.try_into().unwrap_or_default(),
    })
}
