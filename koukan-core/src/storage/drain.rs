//! Ending attempts when the agent stops.

use std::{future::poll_fn, pin::pin, task::Context, time::Duration};

use tokio::time::timeout;

use crate::signals::{Gone, Orders};

use super::{
    Storage,
    live::{Durability, Live, Side, State},
    live_body::LiveBody,
    presence::Loss,
};

/// Which attempts must end, from few to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Drain {
    /// None.
    #[default]
    No,
    /// Those at committed transactions. These are given back, to be attempted after the next start.
    /// An attempt whose message may have been sent completely goes on: without the reply nobody
    /// knows whether to send it again. So does one that has handed its message to other attempts,
    /// if one of those has sent it; the others end, and what they leave is kept.
    Committed,
    /// Also those at transactions in memory only: the client is told to try again later, or takes
    /// the transaction into custody.
    Live,
    /// Also those whose message may have been sent completely.
    Sent,
    /// All, including those that have handed their message to others that have sent it, and wait for them.
    All,
}

/// The steps after an agent is told to stop, and the time for each.
///
/// Queued mail is given back at once, unless its message was sent and only the reply is missing: it would be
/// sent twice. Clients that wait get a little time. The sum is less than the 30 s after which an orchestrator
/// kills the process.
const STEPS: [(Drain, Duration); 4] = [
    (Drain::Committed, Duration::from_secs(5)),
    (Drain::Live, Duration::from_secs(16)),
    (Drain::Sent, Duration::from_secs(2)),
    (Drain::All, Duration::from_secs(2)),
];

/// Why an attempt must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Halt {
    /// The transaction was cancelled, or given up because its message did not come.
    Cancelled,
    /// The agent stops, or its session may be dead soon: the transaction must be given back.
    GiveBack,
    /// The agent stops, and the transaction is not committed.
    Stop,
}

impl Orders for Live {
    fn must_end(&self, gone: Gone) -> bool {
        let loss = self.registry.presence.loss();
        self.lock().halt(gone, loss).is_some()
    }

    fn poll_must_end(&self, cx: &Context<'_>, gone: Gone) -> bool {
        let halt = |state: &State| state.halt(gone, self.registry.presence.loss());
        self.poll(cx, Side::Output, halt).is_ready()
    }

    fn is_cancelled(&self) -> bool {
        self.lock().is_cancelled
    }

    fn is_overdue(&self) -> bool {
        self.registry.presence.loss() != Loss::None
    }

    fn wake(&self) {
        self.update(Side::Reader, |_| ());
    }
}

impl Storage {
    /// Makes attempts end, current ones and later ones.
    ///
    /// An attempt notices this when its task is polled; [`Storage::given_back`] waits for that.
    pub fn drain(&self, drain: Drain) {
        self.0.registry.set_drain(drain);
        for live in self.0.registry.all() {
            live.update(Side::Reader, |state| state.drain = drain);
        }
    }

    /// Ends attempts step by step, until `ended` is ready or 25 s are over; `false` where something was still
    /// going on.
    ///
    /// # Cancel safety
    ///
    /// What was told to end still ends.
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

    /// Waits until nothing that is live now is leased.
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
    /// Why the current attempt must end, if it must. Where upstream may have the whole message,
    /// upstream decides.
    pub(super) fn halt(&self, gone: Gone, loss: Loss) -> Option<Halt> {
        // A message that was taken by reference is sent only once it is complete.
        let is_complete = || self.body.as_ref().is_some_and(LiveBody::is_complete);
        let is_out = gone.is_out() && is_complete();
        let gone = match gone {
            // An endpoint that sends it as it comes has asked at its beginning.
            Gone::Whole if !is_out => Gone::No,
            gone => gone,
        };
        if (self.is_cancelled || self.is_final()) && !is_out {
            return Some(Halt::Cancelled);
        }
        let is_reached = |first: Drain| {
            self.drain
                >= match gone {
                    Gone::No => first,
                    // Its parts end, and others may keep what they leave.
                    Gone::Divided if first == Drain::Live => Drain::All,
                    Gone::Divided => first,
                    Gone::Whole => Drain::Sent,
                    Gone::Taken => Drain::All,
                }
        };
        match self.durability {
            Durability::Leased { .. } => {
                let is_lost = match loss {
                    Loss::None => self.is_lost,
                    Loss::Unsent => self.is_lost || !gone.is_out(),
                    Loss::All => true,
                };
                (is_lost || is_reached(Drain::Committed)).then_some(Halt::GiveBack)
            }
            Durability::Volatile => is_reached(Drain::Live).then_some(Halt::Stop),
            // `Committing` changes when the commit is done; `Draft` ends with its upload.
            Durability::Committing | Durability::Draft => None,
            Durability::Settled => None,
        }
    }
}
