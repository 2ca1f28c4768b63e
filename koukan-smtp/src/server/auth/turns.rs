//! Turns of questions to an authenticator: only so many are under way at a time.
//!
//! Checking a password takes long on purpose, so whoever makes many attempts at once would make everybody wait.
//! These laws hold:
//!
//! 1. No more turns are out than permitted, and one client has no more than its [share](Shares).
//! 2. Nobody waits for a turn that he may have. A turn that is given back goes to who is [next](Line).
//! 3. Whoever is gone has neither a turn nor a place in the line.
//! 4. The line is bounded, and nobody waits longer than [`PATIENCE`].
//!
//! Who holds a turn waits for the authenticator alone, never for another turn.

use std::{sync::Arc, time::Duration};

use koukan_core::shares::{Charge, Client, Shares};
use tokio::{sync::oneshot, time::timeout};

use super::{history::Standing, line::Line};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// How long to wait for a turn. A client waits that long as a matter of course, and then may try again.
const PATIENCE: Duration = Duration::from_secs(10);

/// The turns of one authenticator. Clones share them.
#[derive(Debug, Clone)]
pub(in crate::server) struct Turns(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shares: Shares,
    line: Mutex<Line<oneshot::Sender<Turn>>>,
}

/// The right to ask one question. Dropping it gives it back.
#[derive(Debug)]
#[must_use = "the turn is given back when this is dropped"]
pub(in crate::server) struct Turn {
    /// Taken out when the turn is given back.
    charge: Option<Charge>,
    turns: Turns,
}

/// Too many wait for a turn, or this one has waited too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many authenticate at a time")]
pub(in crate::server) struct Busy;

/// A place in the line. Dropping it leaves the line.
struct Place {
    turns: Turns,
    number: u64,
}

impl Turns {
    /// So many turns at a time.
    pub(in crate::server) fn new(at_a_time: u64) -> Self {
        Self(Arc::new(Inner {
            shares: Shares::new(at_a_time),
            line: Mutex::new(Line::new()),
        }))
    }

    /// Waits for a turn.
    ///
    /// # Errors
    ///
    /// [`Busy`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, its place in the line is given up. A turn that it was given already goes to the next.
    pub(in crate::server) async fn turn(
        self,
        client: Client,
        standing: Standing,
    ) -> Result<Turn, Busy> {
        let (seat, turn) = oneshot::channel();
        // Dropped after the lock, which wakes the one who has to leave.
        let joined = self.line().join(client, standing, seat);
        let _place = Place {
            turns: self.clone(),
            number: joined.number,
        };
        drop(joined.crowded_out);
        self.hand_out(None);
        timeout(PATIENCE, turn)
            .await
            .map_err(|_| Busy)?
            .map_err(|_| Busy)
    }

    /// Gives this charge back, and turns to all who are next.
    fn hand_out(&self, mut given_back: Option<Charge>) {
        loop {
            let next = {
                let mut line = self.line();
                drop(given_back.take());
                let Inner { shares, .. } = &*self.0;
                // A cheap test, for a flood.
                match shares.used() < shares.total() {
                    true => line.serve(|client| shares.charge(client, 1)),
                    false => None,
                }
            };
            let Some((seat, charge)) = next else {
                return;
            };
            let turn = Turn {
                charge: Some(charge),
                turns: self.clone(),
            };
            // Who is gone meanwhile needs none.
            if let Err(mut unwanted) = seat.send(turn) {
                given_back = unwanted.charge.take();
            }
        }
    }

    fn line(&self) -> MutexGuard<'_, Line<oneshot::Sender<Turn>>> {
        self.0.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(charge) = self.charge.take() {
            self.turns.hand_out(Some(charge));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.turns.line().leave(self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, net::IpAddr, pin::Pin, task::Poll};

    use tokio::{task::JoinSet, time::Instant};

    use super::{super::line::WAITING_MAX, *};

    type Waiting = Pin<Box<dyn Future<Output = Result<Turn, Busy>> + Send>>;

    /// Waits for a turn as a client of a neighbourhood of its own.
    fn turn(turns: &Turns, number: usize, standing: Standing) -> Waiting {
        let address = u32::try_from(number << 8).unwrap();
        let client = Client::at(IpAddr::V4(address.into()));
        Box::pin(turns.clone().turn(client, standing))
    }

    /// What it is now.
    async fn now(waiting: &mut Waiting) -> Poll<Result<Turn, Busy>> {
        poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx))).await
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_have_a_turn_and_the_others_get_theirs_in_order() {
        let turns = Turns::new(2);
        let first = turn(&turns, 0, Standing::Failed).await.unwrap();
        let second = turn(&turns, 1, Standing::Failed).await.unwrap();
        let mut failed = turn(&turns, 2, Standing::Failed);
        let mut new = turn(&turns, 3, Standing::New);
        assert!(now(&mut failed).await.is_pending() && now(&mut new).await.is_pending());
        drop(first);
        assert!(now(&mut failed).await.is_pending());
        let Poll::Ready(Ok(third)) = now(&mut new).await else {
            panic!("it is next");
        };
        drop(third);
        assert!(matches!(now(&mut failed).await, Poll::Ready(Ok(_))));
        drop(second);
        assert_eq!(turns.0.shares.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_gone_has_neither_a_turn_nor_a_place() {
        let turns = Turns::new(1);
        let first = turn(&turns, 0, Standing::New).await.unwrap();
        let mut waiting = [1, 2, 3].map(|number| turn(&turns, number, Standing::New));
        for one in &mut waiting {
            assert!(now(one).await.is_pending());
        }
        let [leaves, is_given, mut last] = waiting;
        drop(leaves);
        // The second has the turn from now on, but does not know it yet.
        drop(first);
        assert!(now(&mut last).await.is_pending());
        drop(is_given);
        assert!(matches!(now(&mut last).await, Poll::Ready(Ok(_))));
        assert_eq!(turns.0.shares.used(), 0);
        assert!(turn(&turns, 4, Standing::New).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_too_long_and_a_full_line_refuses_at_once() {
        let turns = Turns::new(1);
        let held = turn(&turns, 0, Standing::New).await.unwrap();
        let begun = Instant::now();
        let flood = |number| turn(&turns, number, Standing::Failed);
        let mut flood: Vec<_> = (0..WAITING_MAX).map(flood).collect();
        for one in &mut flood {
            assert!(now(one).await.is_pending());
        }
        // One more of them is refused at once; one who stands better takes the place of another.
        let mut one_more = turn(&turns, WAITING_MAX, Standing::Failed);
        assert!(matches!(now(&mut one_more).await, Poll::Ready(Err(Busy))));
        let mut better = turn(&turns, WAITING_MAX, Standing::New);
        assert!(now(&mut better).await.is_pending());
        let mut last = flood.pop().unwrap();
        assert!(matches!(now(&mut last).await, Poll::Ready(Err(Busy))));
        drop(held);
        assert!(better.await.is_ok());
        // The others have their turns, one after the other.
        for one in flood {
            assert!(one.await.is_ok());
        }
        assert!(begun.elapsed().is_zero());
        let _held = turn(&turns, 0, Standing::Failed).await;
        let late = turn(&turns, 1, Standing::Known).await;
        assert_eq!((late.err(), begun.elapsed()), (Some(Busy), PATIENCE));
    }

    /// What many wait for goes from one to the next, and none of it is lost.
    #[tokio::test(start_paused = true)]
    async fn all_who_wait_are_served() {
        let turns = Turns::new(3);
        let mut all = JoinSet::new();
        for number in 0..100 {
            let turn = turn(&turns, number, Standing::New);
            all.spawn(async move {
                let _turn = turn.await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
                Ok::<_, Busy>(())
            });
        }
        let begun = Instant::now();
        assert_eq!(all.join_all().await, [Ok(()); 100]);
        assert_eq!(begun.elapsed(), Duration::from_millis(3400));
    }
}
