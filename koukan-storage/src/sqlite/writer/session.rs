//! Sessions that begin, and what they find.

use koukan_core::storage::{Recovered, crash_back_off};
use sqlx::Row;

use crate::{
    query::{FIND_LEASES, FREE_LEASES, POSTPONE_LEASES, Values},
    row::micros,
};

use super::{
    operation::{OpenSession, Pending},
    task::Task,
};

impl Task {
    pub(super) async fn open_sessions(
        &mut self,
        sessions: &mut [Pending<OpenSession, Recovered>],
    ) -> Result<(), sqlx::Error> {
        for session in sessions {
            let recovered = self.open_session(&session.request).await?;
            session.decide(Ok(recovered));
        }
        Ok(())
    }

    async fn open_session(&mut self, session: &OpenSession) -> Result<Recovered, sqlx::Error> {
        self.sessions.insert(session.session);
        let leases = FIND_LEASES.execute(&mut self.connection, Values::default());
        let mut freed = 0;
        for row in leases.await?.rows {
            let holder: &str = row.try_get(0)?;
            // The database is this process's alone: whom it does not know is dead.
            if holder
                .parse()
                .is_ok_and(|holder| self.sessions.contains(&holder))
            {
                continue;
            }
            let crashes: i64 = row.try_get(1)?;
            let back_off = crash_back_off(u32::try_from(crashes + 1).unwrap_or(u32::MAX));
            let (statement, due) = if back_off.is_zero() {
                (&FREE_LEASES, session.now)
            } else {
                (&POSTPONE_LEASES, session.now + back_off)
            };
            let mut values = Values::default();
            values.add(micros(due)).add(holder).add(crashes);
            freed += statement
                .execute(&mut self.connection, values)
                .await?
                .affected;
        }
        Ok(Recovered { freed })
    }
}
