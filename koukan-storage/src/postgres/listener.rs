//! Learns of events that other processes have written, and of what they have suspended or suppressed.
//!
//! A commit with events notifies a channel of the database, and whoever waits for events looks at once; so does a commit
//! that changes suspensions or suppressions, by another channel. Only the delay depends on it: without notifications,
//! events of other processes are noticed when a wait ends, and suspensions after a while.

use std::time::Duration;

use koukan_core::{causes::Causes, repeats::Repeats};
use sqlx::{
    Executor,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::query::{BANS_CHANNEL, EVENTS_CHANNEL};

use super::{access::Access, error::Cause, lender::Lender};

/// How long nothing may arrive before the listener asks whether the connection still works.
const QUIET: Duration = Duration::from_secs(30);
/// How long another try is put off at first, and at most.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// The interval between log lines about losses; between them losses are counted.
const INTERVAL: Duration = Duration::from_secs(60);

static DEAF: Repeats = Repeats::new(INTERVAL, |times, interval| {
    let seconds = interval.as_secs();
    tracing::warn!(
        times,
        seconds,
        "changes by other agents could still not be heard of"
    );
});

pub(super) struct Listener {
    pub(super) access: Access,
    /// The name of this process in its own notifications.
    pub(super) own: String,
    /// How long to wait for an answer.
    pub(super) silence: Duration,
    pub(super) written: watch::Sender<u64>,
    pub(super) bans: watch::Sender<u64>,
}

impl Listener {
    /// Listens until the readers are closed, or nobody waits for events any more.
    pub(super) async fn run(self, readers: Lender) {
        tokio::select! {
            biased;
            () = readers.closed() => {}
            () = self.written.closed() => {}
            () = self.listen() => {}
        }
    }

    async fn listen(&self) {
        let mut pause = PAUSE;
        loop {
            let cause = self.hear(&mut pause).await;
            if DEAF.is_first() {
                tracing::warn!(
                    error = %Causes(&cause),
                    "cannot listen for changes by other agents; they are noticed later"
                );
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Listens on a connection of its own, for as long as the connection works.
    async fn hear(&self, pause: &mut Duration) -> Cause {
        let mut listener = match timeout(self.silence, self.connect()).await {
            Ok(Ok(listener)) => listener,
            Ok(Err(error)) => return error.into(),
            Err(_) => return Cause::silent(self.silence),
        };
        *pause = PAUSE;
        // Something may have been written before.
        tell(&self.written);
        tell(&self.bans);
        loop {
            match timeout(QUIET, listener.try_recv()).await {
                Ok(Ok(Some(heard))) if heard.payload() == self.own => {}
                Ok(Ok(Some(heard))) if heard.channel() == BANS_CHANNEL => tell(&self.bans),
                Ok(Ok(Some(_))) => tell(&self.written),
                Ok(Ok(None)) => return sqlx::Error::WorkerCrashed.into(),
                Ok(Err(error)) => return error.into(),
                Err(_) => match timeout(self.silence, listener.execute("SELECT 1")).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => return error.into(),
                    Err(_) => return Cause::silent(self.silence),
                },
            }
        }
    }

    async fn connect(&self) -> Result<PgListener, sqlx::Error> {
        // A dead connection is not waited for: the next one belongs to another pool.
        let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None);
        let pool = pool.connect_lazy_with(self.access.options_now().await?);
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        self.access.set(&mut listener).await?;
        listener.listen_all([EVENTS_CHANNEL, BANS_CHANNEL]).await?;
        Ok(listener)
    }
}

fn tell(waiting: &watch::Sender<u64>) {
    waiting.send_modify(|told| *told = told.wrapping_add(1));
}
