//! Limits how many messages may be sent in a time: [`Rate`].

mod replicas;
mod turn;
mod waiters;

pub use self::{
    replicas::ReplicaCount,
    turn::{Promise, Reserved},
};

use std::{collections::VecDeque, fmt, num::NonZeroU32, sync::Arc, time::Duration};

use tokio::{sync::Notify, time::Instant};

use crate::sync::{Mutex, MutexGuard, PoisonError};

use self::{replicas::share_of, waiters::Waiters};

/// A limit of so many messages in a time, for all senders together. Clones share it.
///
/// No span of that length contains more messages, wherever it begins. Where the numbers permit, messages
/// are spread: 100 a minute are 5 in 3 seconds. Nobody waits for a turn here: there is one, or there is
/// none.
///
/// # Example
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use std::{num::NonZeroU32, time::Duration};
/// use koukan_core::rate::Rate;
///
/// let rate = Rate::new(NonZeroU32::MIN, Duration::from_secs(1));
/// let turn = rate.reserve(None).expect("nothing has gone so far");
/// assert!(rate.reserve(None).is_none());
/// drop(turn);
/// // It was not used.
/// rate.reserve(None).expect("it is there again").spend();
/// # });
/// ```
#[derive(Clone)]
pub struct Rate(Arc<Inner>);

struct Inner {
    /// For all replicas together.
    count: NonZeroU32,
    per: Duration,
    replicas: ReplicaCount,
    state: Mutex<State>,
    waiters: Waiters,
}

#[derive(Default)]
struct State {
    /// When the last messages were sent, the oldest first.
    spent: VecDeque<Instant>,
    /// Turns of messages that may be sent at any moment.
    reserved: usize,
    /// Turns that are kept for attempts from the queue, and were not taken yet.
    promised: usize,
}

/// Says that a message was not sent because of its host's rate limit: an extension of
/// [`Reply`](crate::reply::Reply) that endpoints attach to their own replies.
///
/// Queued messages for the same destination are sent when there are turns for them.
#[derive(Debug, Clone)]
pub struct OverRate {
    /// The host's rate limit.
    pub rate: Rate,
}

impl Rate {
    /// At most `count` messages in this time, which must not be zero.
    pub fn new(count: NonZeroU32, per: Duration) -> Self {
        Self::among(count, per, ReplicaCount::default())
    }

    /// At most `count` messages in this time, which must not be zero, for all replicas together. Each replica
    /// has a share, which depends on their number.
    pub fn among(count: NonZeroU32, per: Duration, replicas: ReplicaCount) -> Self {
        Self(Arc::new(Inner {
            count,
            per,
            replicas,
            state: Mutex::default(),
            waiters: Waiters::default(),
        }))
    }

    /// A turn for a message that goes now: the one that was promised to the attempt, or a free one. `None` if there is
    /// neither.
    pub fn reserve(&self, promise: Option<&Promise>) -> Option<Reserved> {
        let mut state = self.lock();
        if promise.is_some_and(|promise| promise.take_of(self)) {
            state.promised -= 1;
        } else if self.free(&mut state) == 0 {
            return None;
        }
        state.reserved += 1;
        drop(state);
        Some(Reserved::new(self.clone()))
    }

    /// Promises for as many attempts from the queue as there are turns, at most `max`.
    pub(crate) fn promise(&self, max: usize) -> Vec<Promise> {
        let mut state = self.lock();
        let count = self.free(&mut state).min(max);
        state.promised += count;
        drop(state);
        std::iter::repeat_with(|| Promise::new(self.clone()))
            .take(count)
            .collect()
    }

    /// Notifies `waiter` from now on, as long as somebody holds it, when there may be a turn sooner than [`Rate::next`] has said:
    /// when a turn was not used, and when the number of replicas changes.
    pub fn tell(&self, waiter: &Arc<Notify>) {
        self.0.waiters.add(waiter);
        self.0.replicas.tell(waiter);
    }

    /// Makes a turn free that was not used.
    fn give_back(&self, which: impl FnOnce(&mut State) -> &mut usize) {
        *which(&mut self.lock()) -= 1;
        self.0.waiters.wake();
    }

    /// The limit of this replica: messages and time, in the smallest numbers.
    pub fn limit(&self) -> (usize, Duration) {
        share_of(self.0.count.get(), self.0.per, self.0.replicas.count())
    }

    /// The limit for all replicas together: messages and time, in the smallest numbers.
    pub fn limit_of_all(&self) -> (usize, Duration) {
        share_of(self.0.count.get(), self.0.per, NonZeroU32::MIN)
    }

    /// How many turns there are now.
    pub(crate) fn turns(&self) -> usize {
        self.free(&mut self.lock())
    }

    /// Whether there is a turn now.
    pub fn is_open(&self) -> bool {
        self.turns() > 0
    }

    /// Whether nothing was sent for so long that all turns are free.
    pub fn is_idle(&self) -> bool {
        self.turns() == self.limit().0
    }

    /// When the next turn becomes free, as far as is known. There may be none yet at that time; a turn that was taken
    /// and is not used becomes free sooner.
    pub fn next(&self) -> Instant {
        let mut state = self.lock();
        let now = Instant::now();
        if self.free(&mut state) > 0 {
            return now;
        }
        // The turn of a message that may be sent at any moment becomes free only after the whole
        // time.
        let last = state.spent.front().map_or(now, |first| *first);
        last + self.limit().1
    }

    fn free(&self, state: &mut State) -> usize {
        let now = Instant::now();
        let (count, per) = self.limit();
        let is_over = |at: &Instant| now.duration_since(*at) >= per;
        while state.spent.front().is_some_and(is_over) {
            state.spent.pop_front();
        }
        let taken = state.spent.len() + state.reserved + state.promised;
        count.saturating_sub(taken)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for Rate {
    /// Whether they are the same.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Rate {}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, per) = self.limit();
        write!(f, "Rate({count} in {per:?})")
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rate(count: u32, per: Duration) -> Rate {
        Rate::new(NonZeroU32::new(count).unwrap(), per)
    }

    fn spend_all(rate: &Rate) -> usize {
        std::iter::from_fn(|| rate.reserve(None).map(Reserved::spend)).count()
    }

    #[test]
    fn turns_are_spread_where_the_numbers_allow_it() {
        for (count, per, expected) in [
            (10, SECOND, "Rate(10 in 1s)"),
            (100, 60 * SECOND, "Rate(5 in 3s)"),
            (3600, 3600 * SECOND, "Rate(1 in 1s)"),
            (7, 3600 * SECOND, "Rate(7 in 3600s)"),
            (4, SECOND / 2, "Rate(4 in 500ms)"),
        ] {
            assert_eq!(format!("{:?}", rate(count, per)), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn in_no_span_of_that_length_do_more_go() {
        let rate = rate(5, SECOND);
        let mut gone = Vec::new();
        for step in 0..400 {
            // Now and then somebody wants all that there is.
            if step % 7 == 0 || step % 31 < 4 {
                gone.extend(std::iter::repeat_n(Instant::now(), spend_all(&rate)));
            }
            advance(SECOND / 20).await;
        }
        for from in &gone {
            let span = gone
                .iter()
                .filter(|at| **at >= *from && **at < *from + SECOND);
            assert!(span.count() <= 5);
        }
        assert!(gone.len() > 90, "{}", gone.len());
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_turn_begins_when_the_message_goes() {
        let rate = rate(1, SECOND);
        let turn = rate.reserve(None).unwrap();
        advance(3 * SECOND).await;
        assert!(!rate.is_open() && rate.next() == Instant::now() + SECOND);
        turn.spend();
        advance(SECOND / 2).await;
        assert!(rate.reserve(None).is_none());
        assert_eq!(rate.next(), Instant::now() + SECOND / 2);
        advance(SECOND / 2).await;
        assert!(rate.is_open() && rate.is_idle());
        assert_eq!(rate.next(), Instant::now());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_promised_to_an_attempt_is_for_nobody_else() {
        let rate = rate(3, SECOND);
        let promises = rate.promise(2);
        assert_eq!(promises.len(), 2);
        assert_eq!(spend_all(&rate), 1);
        rate.reserve(Some(&promises[0])).unwrap().spend();
        // It is used, and the other is another's.
        assert!(rate.reserve(Some(&promises[0])).is_none());
        let other = rate.reserve(Some(&promises[1])).unwrap();
        drop(other);
        assert!(rate.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_promised_and_not_used_is_there_again_while_another_attempt_goes_on() {
        for (used, unused) in [(0, 1), (1, 0)] {
            let rate = rate(2, SECOND);
            let mut promises: Vec<_> = rate.promise(2).into_iter().map(Some).collect();
            rate.reserve(promises[used].as_ref()).unwrap().spend();
            assert!(!rate.is_open());
            promises[unused] = None;
            assert_eq!(spend_all(&rate), 1);
            advance(SECOND).await;
            assert!(rate.is_idle());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_promise_of_another_rate_is_none() {
        let [rate, other] = [rate(1, SECOND), rate(1, SECOND)];
        let promises = other.promise(1);
        rate.reserve(promises.first()).unwrap().spend();
        assert!(rate.reserve(promises.first()).is_none());
        other.reserve(promises.first()).unwrap().spend();
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_told_of_a_turn_that_was_not_used() {
        let rate = rate(1, SECOND);
        let freed = Arc::new(Notify::new());
        (0..2).for_each(|_| rate.tell(&freed));
        let is_told = async |change: Box<dyn FnOnce() + '_>| {
            let mut told = std::pin::pin!(freed.notified());
            told.as_mut().enable();
            change();
            futures_util::poll!(told).is_ready()
        };
        let reserved = rate.reserve(None).unwrap();
        assert!(is_told(Box::new(|| drop(reserved))).await);
        let promises = rate.promise(1);
        assert!(is_told(Box::new(|| drop(promises))).await);
        let reserved = rate.reserve(None).unwrap();
        assert!(!is_told(Box::new(|| reserved.spend())).await);
        let replicas = &rate.0.replicas;
        for (count, is_another) in [(2, true), (2, false), (1, true)] {
            assert_eq!(
                is_told(Box::new(move || replicas.set(count))).await,
                is_another
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_replica_has_its_share_and_follows_their_number() {
        let count = ReplicaCount::default();
        let rate = Rate::among(NonZeroU32::new(10).unwrap(), SECOND, count.clone());
        assert_eq!(spend_all(&rate), 10);
        advance(SECOND).await;
        count.set(3);
        assert_eq!((rate.limit().0, rate.limit_of_all().0), (3, 10));
        assert_eq!(spend_all(&rate), 3);
        // Another is gone: what it would have had is there at once.
        count.set(2);
        assert_eq!(spend_all(&rate), 2);
        count.set(20);
        assert_eq!(rate.limit(), (1, 2 * SECOND));
        advance(SECOND).await;
        assert_eq!(spend_all(&rate), 0);
        advance(SECOND).await;
        assert_eq!(spend_all(&rate), 1);
    }
}
