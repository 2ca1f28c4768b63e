//! What happens to a call: it takes time, fails, or gets no answer.

use std::{
    future::Future,
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::{sync::OwnedSemaphorePermit, time::sleep};

use crate::{
    reply::{InPlaceOf, Reply},
    storage::{
        BackendError,
        record::{Recipient, Settlement},
    },
};

use super::{Defect, FaultyBackend, TroubleKind, held_time::holding_time};

/// How many times longer than usual a slow call takes.
const SLOWNESS: u32 = 200;

/// The usual time of a slow call if calls take less, or no time at all.
const USUAL_MIN: Duration = Duration::from_millis(1);

impl FaultyBackend {
    /// Whether one of these kinds of trouble happens now.
    pub(super) fn trouble(&self, kinds: &[TroubleKind]) -> Option<TroubleKind> {
        let now = self.start.1 + self.start.0.elapsed();
        let mut trouble = self.faults.trouble.iter();
        let trouble = trouble
            .find(|trouble| trouble.during.contains(&now) && kinds.contains(&trouble.kind))?;
        let happens = self.random.happens(trouble.per_mille);
        happens.then_some(trouble.kind)
    }

    /// How long the medium does not answer, if so.
    fn silence(&self) -> Option<Duration> {
        let now = self.start.1 + self.start.0.elapsed();
        let cuts = self.faults.trouble.iter();
        let cut = cuts
            .filter(|trouble| trouble.kind == TroubleKind::CutOff)
            .find(|trouble| trouble.during.contains(&now))?;
        Some(cut.during.end - now)
    }

    /// Fails once the medium answers again, if it is cut off.
    async fn hear(&self) -> Result<(), BackendError> {
        let Some(silence) = self.silence() else {
            return Ok(());
        };
        sleep(silence).await;
        Err(BackendError::Failed("the connection was lost".into()))
    }

    /// Waits until the medium answers.
    pub(super) async fn reach(&self) {
        while let Some(silence) = self.silence() {
            sleep(silence).await;
        }
    }

    /// Lets half of the time of a call pass.
    pub(super) async fn pass(&self) {
        let latency = self.faults.latency;
        let (most, times) = if self.trouble(&[TroubleKind::Slow]).is_some() {
            (latency.max(USUAL_MIN) / 2, SLOWNESS)
        } else {
            (latency / 2, 1)
        };
        let time = self.random.duration(Duration::ZERO..=most) * times;
        if !time.is_zero() {
            sleep(time).await;
        }
    }

    pub(super) async fn write<T, F>(&self, write: impl FnOnce() -> F) -> Result<T, BackendError>
    where
        F: Future<Output = Result<T, BackendError>>,
    {
        self.change(TroubleKind::AnswerLost, write).await
    }

    /// A write that gives the caller a lease.
    pub(super) async fn lease_with<T, F>(
        &self,
        lease: impl FnOnce() -> F,
    ) -> Result<T, BackendError>
    where
        F: Future<Output = Result<T, BackendError>>,
    {
        let has_bug = self.trouble(&[TroubleKind::LeasePanics]).is_some();
        assert!(!has_bug, "a lease panics, as the faults say");
        self.change(TroubleKind::LeaseUnheard, lease).await
    }

    /// Writes something; with the trouble `unheard`, the caller does not get the answer.
    pub(super) async fn change<T, F>(
        &self,
        unheard: TroubleKind,
        write: impl FnOnce() -> F,
    ) -> Result<T, BackendError>
    where
        F: Future<Output = Result<T, BackendError>>,
    {
        use TroubleKind::{Failed, Full};

        self.calls.fetch_add(1, Ordering::Relaxed);
        self.hear().await?;
        self.pass().await;
        let trouble = self.trouble(&[Full, Failed, unheard]);
        match trouble {
            Some(Full) => return Err(BackendError::Full("no space left".into())),
            Some(Failed) => return Err(BackendError::Failed("the medium is gone".into())),
            _ => {}
        }
        let result = self.behind(write).await;
        self.pass().await;
        self.hear().await?;
        if trouble.is_some() {
            return Err(BackendError::Failed("the answer was lost".into()));
        }
        result
    }

    pub(super) async fn read<T, F>(&self, read: impl FnOnce() -> F) -> Result<T, BackendError>
    where
        F: Future<Output = Result<T, BackendError>>,
    {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.faults.defect == Some(Defect::ReaderHeld) {
            // The same caller comes again for the next piece; for another caller nothing is given
            // back.
            let reader = Arc::clone(&self.readers).acquire_owned().await;
            let before = self.lock_held().replace(reader.expect("never closed"));
            std::mem::forget(before);
            return self.behind(read).await;
        }
        let reader = self.readers.acquire().await;
        self.hear().await?;
        self.pass().await;
        if self.trouble(&[TroubleKind::Failed]).is_some() {
            return Err(BackendError::Failed("the medium is gone".into()));
        }
        let result = self.behind(read).await;
        self.pass().await;
        self.hear().await?;
        drop(reader);
        result
    }

    /// Calls the inner backend.
    pub(super) async fn behind<T, F>(&self, call: impl FnOnce() -> F) -> T
    where
        F: Future<Output = T>,
    {
        if self.holds_time {
            holding_time(call()).await
        } else {
            call().await
        }
    }

    pub(super) fn observe(&self, recipients: &[Recipient]) {
        let is_delivered = |one: &&Recipient| one.settled.as_ref().is_some_and(Reply::is_positive);
        if let Some(observer) = &self.observer {
            recipients
                .iter()
                .filter(is_delivered)
                .for_each(|one| observer(one));
        }
    }

    pub(super) fn lock_held(&self) -> std::sync::MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The recipients of a settlement, except those that were taken into custody by its attempt: they are settled where they
/// were, and not delivered.
pub(super) fn not_kept(settlement: &Settlement) -> impl Iterator<Item = &Recipient> {
    let attempt = settlement.attempt.as_ref();
    let is_kept = move |position| {
        let reply = attempt.map(|attempt| attempt.final_reply_for(position));
        reply.is_some_and(|reply| reply.extensions().get::<InPlaceOf>().is_some())
    };
    let recipients = settlement.recipients.iter().enumerate();
    let recipients = recipients.filter(move |(position, _)| !is_kept(*position));
    recipients.map(|(_, recipient)| recipient)
}
