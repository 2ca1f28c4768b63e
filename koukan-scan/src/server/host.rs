//! One address of a server: [`Host`].

use std::pin::pin;

use koukan_core::{network::BoxWire, shares::Client};
use tokio::{
    sync::{Semaphore, SemaphorePermit, watch},
    time::{Instant, timeout},
};

use crate::ScanError;

use super::{
    Address, Limits,
    asking::Asking,
    breaker::{Breaker, Change, Part},
    dial::Dial,
    entry::Entry,
};

/// One address, with its turns and its state.
pub(super) struct Host {
    pub(super) address: Address,
    /// The address as text.
    pub(super) shown: Box<str>,
    pub(super) limits: Limits,
    dial: Dial,
    turns: Semaphore,
    /// Whoever waits for a turn watches this.
    breaker: watch::Sender<Breaker>,
}

/// The right to have one message scanned.
pub(super) type Turn<'a> = SemaphorePermit<'a>;

/// How soon a host could scan a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Readiness {
    /// A turn is free, or a probe is due.
    Now,
    /// All turns are taken.
    Busy,
    /// The host is down, or holds the client off.
    Down,
}

impl Host {
    pub(super) fn new(address: Address, dial: Dial, limits: Limits) -> Self {
        Self {
            shown: address.to_string().into(),
            address,
            limits,
            dial,
            turns: Semaphore::new(limits.at_a_time.clamp(1, Semaphore::MAX_PERMITS)),
            breaker: watch::Sender::new(Breaker::new(limits.failures, limits.late(), limits.pause)),
        }
    }

    pub(super) fn readiness(&self, client: &Client) -> Readiness {
        let (breaker, now) = (self.breaker.borrow(), Instant::now());
        match () {
            () if breaker.is_to_be_tried(now) => Readiness::Now,
            () if !breaker.is_up() || breaker.holds_off(client, now) => Readiness::Down,
            () if self.turns.available_permits() == 0 => Readiness::Busy,
            () => Readiness::Now,
        }
    }

    /// Asks with `ask`, on a new connection; `ping` asks on another one whether the server is there. Without a turn
    /// yet, it waits for one.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the turn becomes free, and the connections are closed.
    pub(super) async fn ask<T, Asked, Pinged>(
        &self,
        asking: &Asking<'_>,
        turn: Option<Turn<'_>>,
        ask: impl FnOnce(BoxWire) -> Asked,
        ping: impl FnOnce(BoxWire) -> Pinged,
    ) -> Result<T, ScanError>
    where
        Asked: Future<Output = Result<T, ScanError>>,
        Pinged: Future<Output = Result<(), ScanError>>,
    {
        let client = asking.client();
        let part = self.enter(client).ok_or(ScanError::Down)?;
        let mut entry = Entry::new(self, part, asking);
        // A probe needs no turn.
        let _turn = match (turn, part) {
            (None, Part::Ordinary | Part::Retry) => Some(self.turn(client, part).await?),
            (turn, _) => turn,
        };
        entry.begins();
        let asked = async { ask(self.connect().await?).await };
        let pinged = async { ping(self.connect().await?).await };
        let asked = self.wait(asked, pinged).await;
        match &asked {
            Ok(_) | Err(ScanError::TooLarge) => entry.answered(),
            // A message may take long; the server is there all the same.
            Err(ScanError::Late) => entry.was_late(),
            Err(error) if error.is_scanners_fault() => entry.failed(error),
            Err(_) => {}
        }
        asked
    }

    /// Waits for the answer. Towards the end of the time it also asks whether the server is there at all.
    async fn wait<T>(
        &self,
        asked: impl Future<Output = Result<T, ScanError>>,
        pinged: impl Future<Output = Result<(), ScanError>>,
    ) -> Result<T, ScanError> {
        let (whole, alone) = (self.limits.whole, self.limits.until_ping());
        let mut asked = pin!(timeout(whole, asked));
        let soon = timeout(alone, asked.as_mut()).await;
        if let Ok(answer) = soon {
            return answer.unwrap_or(Err(ScanError::Elapsed));
        }
        let mut pinged = pin!(timeout(whole - alone, pinged));
        let (mut is_waiting, mut is_there) = (true, false);
        loop {
            tokio::select! {
                biased;
                answer = pinged.as_mut(), if is_waiting => {
                    is_waiting = false;
                    is_there = matches!(answer, Ok(Ok(())));
                }
                answer = asked.as_mut() => return match answer {
                    Ok(answer) => answer,
                    Err(_) if is_there => Err(ScanError::Late),
                    Err(_) => Err(ScanError::Elapsed),
                },
            }
        }
    }

    async fn connect(&self) -> Result<BoxWire, ScanError> {
        self.dial.connect(&self.address, &self.limits).await
    }

    /// Waits for a turn. Fails if the server goes down meanwhile, or holds the client off, or if that takes too long.
    pub(super) async fn turn(&self, client: &Client, part: Part) -> Result<Turn<'_>, ScanError> {
        let mut breaker = self.breaker.subscribe();
        let is_held_off =
            |breaker: &Breaker| part == Part::Ordinary && breaker.holds_off(client, Instant::now());
        let is_in_vain = |breaker: &Breaker| !breaker.is_up() || is_held_off(breaker);
        let waiting = async {
            tokio::select! {
                biased;
                turn = self.turns.acquire() => match turn {
                    Ok(turn) if !is_in_vain(&self.breaker.borrow()) => Ok(turn),
                    _ => Err(ScanError::Down),
                },
                _ = breaker.wait_for(is_in_vain) => Err(ScanError::Down),
            }
        };
        let turn = timeout(self.limits.turn, waiting).await;
        turn.unwrap_or(Err(ScanError::Busy))
    }

    fn enter(&self, client: &Client) -> Option<Part> {
        let mut part = None;
        self.change(|breaker| {
            part = breaker.enter(client, Instant::now());
            Change::None
        });
        part
    }

    /// Changes the breaker, and wakes those who wait for a turn when the change concerns them.
    pub(super) fn change(&self, change: impl FnOnce(&mut Breaker) -> Change) -> Change {
        let mut changed = Change::None;
        self.breaker.send_if_modified(|breaker| {
            changed = change(breaker);
            changed != Change::None
        });
        changed
    }
}
