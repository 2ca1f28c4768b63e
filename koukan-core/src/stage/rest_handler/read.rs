//! Reads transactions and gives them up.

use std::{slice, time::Duration};

use tokio::time::{Instant, sleep_until, timeout};

use crate::{
    resource::{Caller, Created, Location, Read, Refusal, ResourceResponse, WaitFor},
    storage::{Snapshot, Watch},
};

use super::{service::Shared, view::Shown};

/// How long a cancel waits for the task that works on the transaction to end it.
pub(super) const CANCEL_WAIT: Duration = Duration::from_secs(5);

/// How long the end of a wait may be put off to see what other processes have done.
const CATCH_UP_MAX: Duration = Duration::from_secs(1);

impl Shared {
    pub(super) async fn read(
        &self,
        caller: &Caller,
        read: Read,
    ) -> Result<ResourceResponse, Refusal> {
        let mut watch = self.find_at(caller, &read.transaction).await?;
        let known = read.if_none_match;
        let is_wanted = |snapshot: &Snapshot, shown: &Shown| match &known {
            Some(known) => shown.version != *known,
            None => shown.view.is_final() || is_awaited(read.wait_for, snapshot),
        };
        let shown = self.wait(&mut watch, read.wait, is_wanted).await;
        if known.as_ref() == Some(&shown.version) {
            return Ok(ResourceResponse::Unchanged(shown.version));
        }
        Ok(shown.into())
    }

    pub(super) async fn cancel(
        &self,
        caller: &Caller,
        location: &Location,
    ) -> Result<ResourceResponse, Refusal> {
        let mut watch = self.find_at(caller, location).await?;
        self.storage.cancel(&watch).await?;
        let is_over = |_: &Snapshot, shown: &Shown| shown.view.is_final();
        Ok(self
            .wait(&mut watch, Some(CANCEL_WAIT), is_over)
            .await
            .into())
    }

    /// A transaction that was created, after the requested wait: for its end, or, if it is the
    /// client's turn, for replies to everything it sent.
    pub(super) async fn created(
        &self,
        mut watch: Watch,
        (wait, wait_for): (Option<Duration>, WaitFor),
        is_replayed: bool,
    ) -> Created {
        let is_wanted = |snapshot: &Snapshot, shown: &Shown| {
            let view = &shown.view;
            let is_complete = snapshot.body.as_ref().is_some_and(|body| body.is_complete);
            let is_answered = view.mail_response.is_some() == view.has_mail_from
                && view.rcpt_response.len() == view.rcpt_to;
            view.is_final() || !is_complete && is_answered || is_awaited(wait_for, snapshot)
        };
        let wait = self.worthwhile(&mut watch, wait);
        let Shown { view, version } = self.wait(&mut watch, wait, is_wanted).await;
        Created {
            location: Location::of_transaction(watch.id()),
            view,
            version,
            is_replayed,
        }
    }

    /// The wait of a create, if waiting may help: for a scheduled transaction nothing happens before its
    /// time. Clients that wait repeat their reads, and those wait.
    pub(super) fn worthwhile(&self, watch: &mut Watch, wait: Option<Duration>) -> Option<Duration> {
        let snapshot = watch.snapshot();
        let until = self.storage.clock().now().checked_add(wait?).ok()?;
        let send_at = snapshot.next_attempt.filter(|_| snapshot.is_scheduled);
        match send_at.is_some_and(|at| at > until) {
            true => None,
            false => wait,
        }
    }

    /// Waits until `is_wanted`, or the time is up, or the agent stops.
    pub(super) async fn wait(
        &self,
        watch: &mut Watch,
        wait: Option<Duration>,
        is_wanted: impl Fn(&Snapshot, &Shown) -> bool,
    ) -> Shown {
        if let Some(wait) = wait {
            let deadline = Instant::now() + wait.min(self.settings.max_wait);
            let watches = slice::from_mut(watch);
            if self.wait_among(watches, 0, deadline, is_wanted).await == Waited::TimeIsUp {
                self.catch_up(watches).await;
            }
        }
        Shown::of(&watch.snapshot())
    }

    /// Waits until one of these is as `is_wanted`, or the time is up, or the agent stops. What other processes do
    /// with any of them is seen meanwhile.
    pub(super) async fn wait_among(
        &self,
        watches: &mut [Watch],
        index: usize,
        deadline: Instant,
        is_wanted: impl Fn(&Snapshot, &Shown) -> bool,
    ) -> Waited {
        loop {
            let snapshot = watches[index].snapshot();
            if is_wanted(&snapshot, &Shown::of(&snapshot)) {
                return Waited::ForWhatIsWanted;
            }
            let watches = &*watches;
            match self
                .change(watches[index].changed(), watches, deadline)
                .await
            {
                Waited::ForWhatIsWanted => {}
                ended => return ended,
            }
        }
    }

    /// Waits for a change, while what other processes do with all of these is seen.
    pub(super) async fn change(
        &self,
        changed: impl Future<Output = ()>,
        watches: &[Watch],
        deadline: Instant,
    ) -> Waited {
        tokio::select! {
            biased;
            () = changed => Waited::ForWhatIsWanted,
            () = self.attempts.closing() => Waited::Stopped,
            () = sleep_until(deadline) => Waited::TimeIsUp,
            never = self.storage.follow(watches) => match never {},
        }
    }

    /// Sees at the end of a wait what other processes have done until now. If the storage does not answer soon, the
    /// client hears what is known here.
    pub(super) async fn catch_up(&self, watches: &[Watch]) {
        let _ = timeout(CATCH_UP_MAX, self.storage.read_all_again(watches)).await;
    }
}

/// How a wait has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Waited {
    ForWhatIsWanted,
    TimeIsUp,
    /// The agent stops.
    Stopped,
}

/// Whether the state that a request waits for, short of the end, is reached.
pub(super) fn is_awaited(wait_for: WaitFor, snapshot: &Snapshot) -> bool {
    wait_for == WaitFor::Attempt && snapshot.has_attempt_ended && !snapshot.is_settling
}
