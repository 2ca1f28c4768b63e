//! The start of a session: the state that it finds.

use std::time::Duration;

use jiff::Timestamp;
use koukan_core::storage::{CLOCK_TOLERANCE, Recovered, crash_back_off};

use crate::{
    query::{
        BRING_FORWARD, FIND_FORGOTTEN_LEASES, FIND_LEASES, FREE_LEASES, NEWEST_FINISHED,
        NEWEST_LEASED, NEWEST_SUMMARY, NEWEST_WAITING, POSTPONE_LEASES, Values,
    },
    row::micros,
};

use super::{
    BatchWriter,
    operation::{OpenSession, Pending},
    presence::{Living, Presence},
};

impl BatchWriter {
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

    /// Makes everything due earlier, since the wall clock was set back.
    pub(super) async fn bring_forward(
        &mut self,
        set_backs: &mut [Pending<Duration, ()>],
    ) -> Result<(), sqlx::Error> {
        for set_back in set_backs {
            self.make_due_earlier(set_back.request).await?;
            set_back.decide(Ok(()));
        }
        Ok(())
    }

    async fn make_due_earlier(&mut self, by: Duration) -> Result<(), sqlx::Error> {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        if micros == 0 {
            return Ok(());
        }
        let mut values = Values::default();
        values.add(micros);
        let earlier = BRING_FORWARD.execute(&mut self.connection, values);
        earlier.await.map(|_| ())
    }

    /// By how much the wall clock was set back, compared with the latest time in the database.
    async fn set_back_by(&mut self, now: Timestamp) -> Result<Duration, sqlx::Error> {
        let mut newest = None;
        for statement in [
            &NEWEST_FINISHED,
            &NEWEST_SUMMARY,
            &NEWEST_WAITING,
            &NEWEST_LEASED,
        ] {
            let found = statement.execute(&mut self.connection, Values::default());
            for row in found.await?.rows {
                newest = newest.max(row.try_get::<Option<i64>, _>(0)?);
            }
        }
        let ahead = newest.map(|newest| newest.saturating_sub(micros(now)));
        let ahead = ahead.and_then(|ahead| u64::try_from(ahead).ok());
        let ahead = Duration::from_micros(ahead.unwrap_or_default());
        Ok(if ahead > CLOCK_TOLERANCE {
            ahead
        } else {
            Duration::ZERO
        })
    }

    async fn open_session(&mut self, session: &OpenSession) -> Result<Recovered, sqlx::Error> {
        let (now, living) = self.begin_session(session).await?;
        // Other processes, which also go by the database's clock, would be disturbed.
        let is_first = living.len() == 1 || matches!(self.presence, Presence::Sole(_));
        let brought_forward = match is_first {
            true => self.set_back_by(now).await?,
            false => Duration::ZERO,
        };
        self.make_due_earlier(brought_forward).await?;
        Ok(Recovered {
            freed: self.free_leases(now, &living).await?,
            brought_forward,
        })
    }

    /// Frees the leases of dead sessions. Returns the number of transactions.
    pub(super) async fn free_leases(
        &mut self,
        now: Timestamp,
        living: &Living,
    ) -> Result<u64, sqlx::Error> {
        let find = match self.presence {
            Presence::Sole(_) => &FIND_LEASES,
            // Other sessions may have begun since the list of live ones was read.
            Presence::Shared(_) => &FIND_FORGOTTEN_LEASES,
        };
        let leases = find.execute(&mut self.connection, Values::default());
        let mut freed = 0;
        for row in leases.await?.rows {
            let holder: &str = row.try_get(0)?;
            if living.contains(holder) {
                continue;
            }
            let crashes: i64 = row.try_get(1)?;
            let back_off = crash_back_off(u32::try_from(crashes + 1).unwrap_or(u32::MAX));
            let (statement, due) = match back_off.is_zero() {
                true => (&FREE_LEASES, now),
                false => (&POSTPONE_LEASES, now + back_off),
            };
            let mut values = Values::default();
            values.add(micros(due)).add(holder).add(crashes);
            let executed = statement.execute(&mut self.connection, values).await?;
            freed += executed.affected;
        }
        Ok(freed)
    }
}
