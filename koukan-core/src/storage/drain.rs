//! Ending attempts when the agent stops.

use std::{future::poll_fn, pin::pin, time::Duration};

use tokio::time::timeout;

use super::{
    Storage,
    live::{Durability, Side, State},
    live_body::LiveBody,
    presence::Loss,
};

/// Which attempts are to end, from few to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Drain {
    /// None.
    #[default]
    No,
    /// Those at what is committed: it is given back, to be attempted after the next start. One whose
    /// message may have gone out as a whole goes on: without the reply nobody knows whether it is to
    /// be sent again. So does one that has handed the message on to attempts of others.
    Committed,
    /// Those at what is in memory only as well: whoever waits is told to try again later, or has the
    /// transaction committed.
    Live,
    /// Those as well whose message may have gone out as a whole.
    Sent,
    /// All, come what may: those last that have handed the message on, and wait for the others.
    All,
}

/// What is ended when an agent is told to stop, and how long it is waited for after that.
///
/// Queued mail is given back at once, unless its message has gone out and only the reply is missing: that would
/// be sent twice. Clients that wait get a little time. In all it takes less than the 30 s after which an
/// orchestrator kills.
const STEPS: [(Drain, Duration); 4] = [
    (Drain::Committed, Duration::from_secs(5)),
    (Drain::Live, Duration::from_secs(16)),
    (Drain::Sent, Duration::from_secs(2)),
    (Drain::All, Duration::from_secs(2)),
];

/// What has become of a message within an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gone {
    /// It has not been read to its end.
    No,
    /// It was taken by reference, for others to read.
    Taken,
    /// All of it was read: upstream may have it.
    Whole,
}

/// Why an attempt is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Halt {
    /// The transaction was cancelled, or given up because its message did not come.
    Cancelled,
    /// The agent stops, or its session may be dead soon: the transaction is to be given back.
    GiveBack,
    /// The agent stops, and the transaction is not committed.
    Stop,
}

impl Storage {
    /// Has attempts end, those under way and those that begin later.
    ///
    /// An attempt sees it when its task is polled; [`Storage::given_back`] waits for that.
    pub fn drain(&self, drain: Drain) {
        self.0.registry.set_drain(drain);
        for live in self.0.registry.all() {
            live.update(Side::Reader, |state| state.drain = drain);
        }
    }

    /// Ends attempts, more and more of them, until `ended` is ready or 25 s are over; `false` where something
    /// went on all the same.
    ///
    /// # Cancel safety
    ///
    /// What was to end still does.
    pub async fn drain_by_steps(&self, ended: impl Future<Output = ()>) -> bool {
        let mut ended = pin!(ended);
        for (drain, patience) in STEPS {
            self.drain(drain);
            if timeout(patience, &mut ended).await.is_ok() {
                return true;
            }
        }
        false
    }

    /// Waits until nothing that is live now is under lease.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped before it ends.
    pub async fn given_back(&self) {
        for live in self.0.registry.all() {
            poll_fn(|cx| {
                live.poll(cx, Side::Reader, |state| {
                    let is_held = matches!(
                        state.durability,
                        Durability::Leased { .. } | Durability::Committing
                    );
                    (!is_held).then_some(())
                })
            })
            .await;
        }
    }
}

impl State {
    /// Why the attempt under way is to end, if it is. Where upstream may have all of the message, it
    /// is upstream that says what becomes of it.
    pub(super) fn halt(&self, gone: Gone, loss: Loss) -> Option<Halt> {
        // What was taken by reference goes out only once it is complete.
        let is_complete = || self.body.as_ref().is_some_and(LiveBody::is_complete);
        let is_out = gone != Gone::No && is_complete();
        if (self.is_cancelled || self.is_final()) && !is_out {
            return Some(Halt::Cancelled);
        }
        let is_reached = |first: Drain| {
            self.drain
                >= match gone {
                    Gone::No => first,
                    Gone::Whole => Drain::Sent,
                    Gone::Taken => Drain::All,
                }
        };
        match self.durability {
            Durability::Leased { .. } => {
                let is_lost = match loss {
                    Loss::None => self.is_lost,
                    Loss::Unsent => self.is_lost || gone == Gone::No,
                    Loss::All => true,
                };
                (is_lost || is_reached(Drain::Committed)).then_some(Halt::GiveBack)
            }
            Durability::Volatile => is_reached(Drain::Live).then_some(Halt::Stop),
            // The one becomes the other when the commit is done; the other ends with its upload.
            Durability::Committing | Durability::Draft => None,
            Durability::Settled => None,
        }
    }
}
