//! When a message leaves.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Waker},
};

use crate::{
    sync::{Mutex, MutexGuard, PoisonError},
    waking::keep,
};

/// The signal of an attempt that can be ended for as long as its message has not left.
///
/// Whoever made the attempt is told to end it by an operator, a client or an agent that stops. Then he has to
/// know whether the destination may have the message: if so, only its reply says what has become of it.
///
/// An endpoint that says nothing is taken to send what it reads: the message has left once its body was read
/// to the end, or was taken out by reference. One that reads ahead knows better. It calls [`Departure::hold`] at its
/// beginning, and asks [`Departure::may_go`] before it sends the last octets.
///
/// # Example
///
/// ```
/// use bytes::Bytes;
/// use koukan_core::{reply::Reply, signals::Departure, transaction::Transaction};
///
/// # async fn connect() {}
/// # async fn send(_: Bytes) -> Reply { Reply::message_accepted() }
/// async fn endpoint(transaction: Transaction) -> Result<Reply, tower::BoxError> {
///     let departure = transaction.signals.find::<Departure>();
///     let _held = departure.as_ref().map(Departure::hold);
///     let message = transaction.body.collect(1 << 20).await?;
///     connect().await;
///     if departure.is_some_and(|departure| !departure.may_go()) {
///         // Whoever has given the attempt up drops this call.
///         std::future::pending::<()>().await;
///     }
///     Ok(send(message).await)
/// }
/// ```
#[derive(Default)]
pub struct Departure(Mutex<State>);

#[derive(Default)]
struct State {
    /// What was found out from the body.
    read: Gone,
    /// What an endpoint has said.
    told: Gone,
    /// How many endpoints say when the message goes.
    holding: usize,
    /// How many groups ask before it goes.
    grouped: usize,
    is_given_up: bool,
    /// What the attempt may have been told, and not have noticed yet.
    orders: Option<Box<dyn Orders>>,
    /// Who is asked in the place of this, where the message goes for others as well.
    sharers: Option<Arc<dyn Sharers>>,
    /// Who is woken when it turns out that the message has not gone.
    waiting: Option<Waker>,
}

/// An endpoint says when the message goes, until this is dropped; see [`Departure::hold`].
#[derive(Debug)]
#[must_use = "the message is as good as gone once this is dropped and its body was read"]
pub struct Holding {
    departure: Arc<Departure>,
    is_of_group: bool,
}

/// What has become of a message within an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Gone {
    /// It has not left.
    #[default]
    No,
    /// It was taken by reference, for others to read.
    Taken,
    /// All of it left: upstream may have it.
    Whole,
}

/// What an attempt may have been told.
pub(crate) trait Orders: Send + Sync {
    /// Whether the attempt must end if its message has not left. This is read right before the message leaves, since
    /// the thread that sends it may not be the one that ends the attempt, and may have stood still.
    fn must_end(&self) -> bool;
}

/// Those for whom one message goes.
pub(crate) trait Sharers: Send + Sync {
    /// As [`Departure::may_go`], asked of all of them.
    fn may_go(&self) -> bool;
}

/// What came of telling that the message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// From now on it counts as gone.
    Now,
    /// It did before.
    Before,
    /// It does not: the attempt was given up.
    Never,
}

impl Departure {
    /// That of an attempt which may have to end.
    pub(crate) fn under(orders: impl Orders + 'static) -> Self {
        let departure = Self::default();
        departure.lock().orders = Some(Box::new(orders));
        departure
    }

    /// That of a message which goes for others as well, who are asked.
    pub(crate) fn shared_by(sharers: Arc<dyn Sharers>) -> Self {
        let departure = Self::default();
        departure.join(sharers);
        departure
    }

    /// From now on others are asked as well: the message goes for them, too.
    pub(crate) fn join(&self, sharers: Arc<dyn Sharers>) {
        self.lock().sharers = Some(sharers);
    }

    /// Until what this returns is dropped, [`Departure::may_go`] alone says that the message has left, however much
    /// of its body is read.
    pub fn hold(self: &Arc<Self>) -> Holding {
        self.back(|state| state.holding += 1);
        Holding {
            departure: Arc::clone(self),
            is_of_group: false,
        }
    }

    /// As [`Departure::hold`], for a group that has one message go for several attempts.
    pub(crate) fn hold_for_group(self: &Arc<Self>) -> Holding {
        self.back(|state| state.grouped += 1);
        Holding {
            departure: Arc::clone(self),
            is_of_group: true,
        }
    }

    /// Asks whether the message may leave, before what makes it whole is sent: with `true` it counts as having left,
    /// and the reply to it is waited for. With `false` the attempt was given up: nothing of what is left may be sent,
    /// and the call is about to be dropped.
    #[must_use]
    pub fn may_go(&self) -> bool {
        let sharers = self.lock().sharers.clone();
        match sharers {
            Some(sharers) => sharers.may_go(),
            None => self.leave(Gone::Whole) != Leaving::Never,
        }
    }

    /// Whether an endpoint says when the message goes.
    pub(crate) fn is_held(&self) -> bool {
        self.lock().holding > 0
    }

    /// Notes that the message goes, for this attempt alone.
    pub(crate) fn leave(&self, gone: Gone) -> Leaving {
        let mut state = self.lock();
        let orders = state.orders.as_ref();
        let must_end = orders.is_some_and(|orders| orders.must_end());
        state.is_given_up |= must_end && state.gone() == Gone::No;
        if state.is_given_up {
            return Leaving::Never;
        }
        let before = state.told;
        state.told = before.max(gone);
        match before {
            Gone::No => Leaving::Now,
            _ => Leaving::Before,
        }
    }

    /// Takes [`Leaving::Now`] back: the message does not go yet. To be called without a lock held.
    pub(crate) fn stay(&self) {
        self.back(|state| state.told = Gone::No);
    }

    /// Notes what was found out from the body.
    pub(crate) fn note(&self, gone: Gone) {
        let mut state = self.lock();
        if !state.is_given_up {
            state.read = state.read.max(gone);
        }
    }

    pub(crate) fn gone(&self) -> Gone {
        self.lock().gone()
    }

    /// The attempt ends without the message; `false` where that has gone, by another thread.
    pub(crate) fn give_up(&self) -> bool {
        let mut state = self.lock();
        state.is_given_up |= state.gone() == Gone::No;
        state.is_given_up
    }

    /// Whether it still stands as it is `known` to; the task is woken where the message turns out not to have gone.
    pub(crate) fn is_still(&self, known: Gone, cx: &Context<'_>) -> bool {
        let mut state = self.lock();
        let is_still = state.gone() == known;
        let before = match known {
            Gone::No => None,
            _ => keep(&mut state.waiting, cx.waker()),
        };
        drop(state);
        drop(before);
        is_still
    }

    /// Changes it, after which the message may not have gone any more.
    fn back(&self, change: impl FnOnce(&mut State)) {
        let waiting = {
            let mut state = self.lock();
            change(&mut state);
            match state.gone() {
                Gone::No => state.waiting.take(),
                _ => None,
            }
        };
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Departure")
            .field("gone", &state.gone())
            .field("holding", &state.holding)
            .finish_non_exhaustive()
    }
}

impl State {
    fn gone(&self) -> Gone {
        match self.holding + self.grouped {
            0 => self.told.max(self.read),
            _ => self.told,
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        let mut state = self.departure.lock();
        match self.is_of_group {
            true => state.grouped -= 1,
            false => state.holding -= 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, AtomicUsize, Ordering},
        task::Wake,
    };

    use super::*;

    /// Somebody who stops is not sent the message, which he would be sent again.
    #[test]
    fn a_message_is_given_up_or_goes() {
        let given_up = Departure::default();
        assert!(given_up.give_up() && given_up.give_up());
        assert!(!given_up.may_go());
        given_up.note(Gone::Taken);
        assert_eq!(given_up.gone(), Gone::No);

        let gone = Departure::default();
        assert!(gone.may_go() && gone.may_go());
        assert!(!gone.give_up());
        assert_eq!(gone.gone(), Gone::Whole);
    }

    /// What an attempt is told.
    struct Told(Arc<AtomicBool>);

    impl Orders for Told {
        fn must_end(&self) -> bool {
            self.0.load(Ordering::Relaxed)
        }
    }

    /// Also if its own thread has not noticed.
    #[test]
    fn the_message_of_an_attempt_that_must_end_does_not_leave() {
        let must_end = Arc::new(AtomicBool::new(true));
        let departure = Departure::under(Told(Arc::clone(&must_end)));
        assert!(!departure.may_go());
        must_end.store(false, Ordering::Relaxed);
        assert!(!departure.may_go(), "the attempt is about to end");
        let departure = Departure::under(Told(Arc::clone(&must_end)));
        assert!(departure.may_go());
        must_end.store(true, Ordering::Relaxed);
        assert!(departure.may_go() && !departure.give_up());
    }

    #[test]
    fn a_group_does_not_say_for_an_endpoint_that_it_asks() {
        let departure = Arc::new(Departure::default());
        departure.note(Gone::Whole);
        let group = departure.hold_for_group();
        assert_eq!((departure.gone(), departure.is_held()), (Gone::No, false));
        let endpoint = departure.hold();
        assert!(departure.is_held());
        drop((group, endpoint));
        assert_eq!(departure.gone(), Gone::Whole);
    }

    #[test]
    fn what_is_read_has_gone_unless_somebody_says_when_it_goes() {
        let departure = Arc::new(Departure::default());
        departure.note(Gone::Taken);
        departure.note(Gone::Whole);
        departure.note(Gone::Taken);
        assert_eq!(departure.gone(), Gone::Whole);
        let held = departure.hold();
        assert_eq!(departure.gone(), Gone::No);
        drop(held);
        // Another endpoint may have read it since.
        assert_eq!(departure.gone(), Gone::Whole);
        let _held = departure.hold();
        assert!(departure.may_go());
        assert_eq!(departure.gone(), Gone::Whole);
    }

    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_turns_out_not_to_have_gone_wakes_who_was_to_end_the_attempt() {
        let wakes = Arc::new(Wakes(AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&wakes));
        let cx = Context::from_waker(&waker);
        let departure = Departure::default();
        assert!(departure.is_still(Gone::No, &cx));
        assert_eq!(departure.leave(Gone::Whole), Leaving::Now);
        assert!(!departure.is_still(Gone::No, &cx));
        assert!(departure.is_still(Gone::Whole, &cx));
        departure.stay();
        assert_eq!(departure.gone(), Gone::No);
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
        assert_eq!(departure.leave(Gone::Whole), Leaving::Now);
        assert_eq!(departure.leave(Gone::Whole), Leaving::Before);
    }
}
