//! Connections that are lent to one read after the other.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use sqlx::{Connection as _, PgConnection};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, timeout},
};

use super::{
    access::{Access, Process, Session},
    pulse::Pulse,
};

/// How long a connection is kept, since the server holds ever more memory for it; and how long if nobody uses it.
const AGE_MAX: Duration = Duration::from_secs(30 * 60);
const IDLE_MAX: Duration = Duration::from_secs(10 * 60);

/// Lends connections, which are made when they are needed. Clones share them.
#[derive(Clone)]
pub(super) struct Lender(Arc<Inner>);

struct Inner {
    access: Access,
    max: u32,
    places: Arc<Semaphore>,
    /// Those that nobody uses, the one that was used last at the end.
    idle: Mutex<Vec<Kept>>,
    is_closed: watch::Sender<bool>,
}

struct Kept {
    session: Session,
    made: Instant,
    used: Instant,
}

/// A connection while it is used for a read. If the read is abandoned or the connection lost, it is closed. Given back, it
/// would have to wait for the server's answer.
pub(super) struct Lent {
    kept: Option<Kept>,
    is_fine: bool,
    lender: Lender,
    /// Given back last.
    _place: OwnedSemaphorePermit,
}

impl Lender {
    /// Lends at most `max` at a time.
    pub(super) fn new(access: Access, max: u32) -> Self {
        Self(Arc::new(Inner {
            access,
            max,
            places: Arc::new(Semaphore::new(max as usize)),
            idle: Mutex::default(),
            is_closed: watch::Sender::new(false),
        }))
    }

    /// Lends a connection, one that was used recently if there is one; not one that may be dead, as far as `pulse` knows.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped.
    pub(super) async fn lend(&self, pulse: &Pulse) -> Result<Lent, sqlx::Error> {
        let place = Arc::clone(&self.0.places).acquire_owned().await;
        let place = place.map_err(|_| sqlx::Error::PoolClosed)?;
        let kept = self.take(pulse);
        let kept = match kept {
            Some(kept) => kept,
            None => {
                let session = self.0.access.session().await?;
                let now = Instant::now();
                Kept {
                    session,
                    made: now,
                    used: now,
                }
            }
        };
        Ok(Lent {
            kept: Some(kept),
            is_fine: false,
            lender: self.clone(),
            _place: place,
        })
    }

    /// The one that was used last. Those that may be dead are closed.
    fn take(&self, pulse: &Pulse) -> Option<Kept> {
        let mut idle = self.idle();
        idle.retain(|kept| !pulse.is_doubtful(kept.used));
        idle.pop()
    }

    /// Closes all connections, and lends no more. Reads that are under way come first, for at most `limit`.
    pub(super) async fn close(&self, limit: Duration) {
        let closing = async {
            // It is closed once.
            let _all = self.0.places.acquire_many(self.0.max).await;
            self.0.places.close();
            let idle = mem::take(&mut *self.idle());
            join_all(idle.into_iter().map(|kept| kept.session.connection.close())).await;
        };
        // A silent server need not be told.
        let _ = timeout(limit, closing).await;
        self.0.places.close();
        self.0.is_closed.send_replace(true);
    }

    /// Waits until it is closed.
    pub(super) async fn closed(&self) {
        let mut is_closed = self.0.is_closed.subscribe();
        // The sender is here.
        let _ = is_closed.wait_for(|is_closed| *is_closed).await;
    }

    fn give_back(&self, mut kept: Kept) {
        let now = Instant::now();
        if self.0.places.is_closed() || now.duration_since(kept.made) >= AGE_MAX {
            return;
        }
        kept.used = now;
        let mut idle = self.idle();
        idle.retain(|other| now.duration_since(other.used) < IDLE_MAX);
        idle.push(kept);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lent {
    pub(super) fn process(&self) -> Process {
        self.kept().session.process
    }

    pub(super) fn connection(&mut self) -> &mut PgConnection {
        let kept = self.kept.as_mut();
        &mut kept.expect("it is given back last").session.connection
    }

    /// Gives it back; if it is not fine, it is closed.
    pub(super) fn give_back(mut self, is_fine: bool) {
        self.is_fine = is_fine;
    }

    fn kept(&self) -> &Kept {
        self.kept.as_ref().expect("it is given back last")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(kept) = self.kept.take_if(|_| self.is_fine) {
            self.lender.give_back(kept);
        }
    }
}
