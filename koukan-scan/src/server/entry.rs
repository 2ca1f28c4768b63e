//! One question at one address: [`Entry`].

use koukan_core::causes::Causes;
use tokio::time::Instant;

use crate::ScanError;

use super::{
    asking::Asking,
    breaker::{Breaker, Change, Part},
    host::Host,
};

/// One question at one address. If it is dropped before the outcome is known, another caller becomes the probe. The
/// exception: if another address that was asked later has answered meanwhile, the silence counts as a failure.
pub(super) struct Entry<'a> {
    host: &'a Host,
    asking: &'a Asking<'a>,
    part: Option<Part>,
    /// When it got its turn.
    begun: Option<Instant>,
}

impl<'a> Entry<'a> {
    pub(super) fn new(host: &'a Host, part: Part, asking: &'a Asking<'a>) -> Self {
        Self {
            host,
            asking,
            part: Some(part),
            begun: None,
        }
    }

    /// Notes that it got its turn.
    pub(super) fn begins(&mut self) {
        self.begun = Some(Instant::now());
    }

    /// The server has answered.
    pub(super) fn answered(&mut self) {
        self.asking
            .answered(self.begun.unwrap_or_else(Instant::now));
        self.succeeded();
    }

    /// The server answered for the message.
    fn succeeded(&mut self) {
        self.part = None;
        self.tell(None);
        self.change(None, Breaker::succeeded);
    }

    /// The server is there, but gave no answer for the message in time.
    pub(super) fn was_late(&mut self) {
        let Some(part) = self.part.take() else { return };
        self.tell(None);
        let client = self.asking.client();
        let changed = |breaker: &mut Breaker| breaker.was_late(part, client, Instant::now());
        self.change(Some(&ScanError::Late), changed);
    }

    pub(super) fn failed(&mut self, error: &ScanError) {
        let Some(part) = self.part.take() else { return };
        self.tell(Some(error));
        let client = self.asking.client();
        let changed = |breaker: &mut Breaker| breaker.failed(part, client, Instant::now());
        if self.change(Some(error), changed) != Change::WentDown {
            let (scanner, error) = (&*self.host.shown, Causes(error));
            tracing::warn!(scanner, %error, "a scanner has failed");
        }
    }

    /// Changes the breaker, and reports whether the scanner is up when that has changed.
    fn change(
        &self,
        error: Option<&ScanError>,
        change: impl FnOnce(&mut Breaker) -> Change,
    ) -> Change {
        let changed = self.host.change(change);
        let scanner = &*self.host.shown;
        match changed {
            Change::None => {}
            Change::CameBack => {
                tracing::info!(scanner, "a scanner is there again");
                self.asking.tell_standing(scanner, true);
            }
            Change::WentDown => {
                let error = error
                    .map(|error| Causes(error).to_string())
                    .unwrap_or_default();
                let seconds = self.host.limits.pause.as_secs();
                tracing::error!(
                    scanner,
                    error,
                    seconds,
                    "a scanner is down; nobody waits for it for now"
                );
                self.asking.tell_standing(scanner, false);
            }
            Change::HeldOff => {
                let client = self.asking.client();
                let seconds = self.host.limits.pause.as_secs();
                tracing::warn!(
                    scanner,
                    %client,
                    seconds,
                    "a scanner answers for no message of a client in time; none of that client waits for it for now"
                );
            }
            Change::LetBack => {
                tracing::info!(scanner, "a scanner answers in time again");
            }
        }
        changed
    }

    fn tell(&self, error: Option<&ScanError>) {
        let begun = self.begun.unwrap_or_else(Instant::now);
        self.asking.tell(&self.host.shown, begun.elapsed(), error);
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let Some(part) = self.part else { return };
        // An address that was asked later, but for another reason than this one's silence, was
        // asked sooner than that.
        let half = self.host.limits.next / 2;
        let was_silent = |begun| {
            let other = self.asking.answering();
            other.is_some_and(|other| other.duration_since(begun) >= half)
        };
        if self.begun.is_some_and(was_silent) {
            return self.failed(&ScanError::Overtaken);
        }
        self.host.change(|breaker| {
            breaker.left(part, self.asking.client(), Instant::now());
            Change::None
        });
    }
}
