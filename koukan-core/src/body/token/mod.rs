//! Tells which transactions carry the same message: [`Copies`], and the [`MessageToken`] of each.

mod carrying;
mod holdings;

pub use self::holdings::{Held, Holdings};

use std::{
    any::Any,
    fmt, mem,
    sync::{Arc, Weak},
    task::{Context, Poll},
};

use bytes::Bytes;

use crate::{
    context::{self, Sender},
    sync::{Mutex, MutexGuard, PoisonError},
    waking::Waiters,
};

/// Gives each transaction that carries a copy of one message a [`MessageToken`].
///
/// Dropping it says that there will be no more copies.
#[derive(Debug)]
pub(crate) struct Copies(Arc<Shared>);

/// Marks a body as one of several copies of a message.
///
/// A [`Body`](super::Body) keeps its token while octets are prepended and nothing else is changed. A
/// transform creates another body, without the token. So two bodies have the same octets if their
/// tokens are of the same message and the same octets were prepended.
///
/// Each token counts as a copy that may still arrive, until it is dropped or [`MessageToken::arrive`]
/// is called.
///
/// It is small, since every body has room for one.
pub(crate) struct MessageToken(Kind);

enum Kind {
    /// The copy has not arrived yet.
    Awaited(Arc<Shared>),
    /// The copy has arrived, or the token stands for all that have.
    Here(Arc<Shared>),
    /// Octets were prepended to the body before it was passed on.
    Prepended(Box<Prepended>),
}

#[derive(Clone)]
struct Prepended {
    shared: Arc<Shared>,
    octets: Vec<Bytes>,
    is_awaited: bool,
}

/// The meetings of a message's copies, locked: nobody else looks for one meanwhile.
pub(crate) struct Meetings<'a>(MutexGuard<'a, State>);

#[derive(Default)]
struct Shared {
    /// Whether one task polls the transactions of all copies.
    is_of_one_task: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whether there will be no more copies.
    is_closed: bool,
    /// The number of copies so far.
    copies: usize,
    /// How many of them have not arrived yet.
    awaited: usize,
    /// Tasks that wait for copies to arrive.
    waiting: Waiters,
    /// The places where copies meet.
    meetings: Vec<Weak<dyn Any + Send + Sync>>,
    /// The number of held connections.
    held: usize,
    /// Tasks that wait for the first held connection.
    holders: Waiters,
    /// The random number that spreads the times of further attempts.
    unit: Option<f64>,
    /// The facts of the client's session, and the same for the sender that was asked for last.
    contexts: Option<[Arc<context::Context>; 2]>,
}

impl Copies {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// For copies whose transactions are polled by one task, unless something takes one of them to another
    /// task.
    pub(crate) fn of_one_task() -> Self {
        Self(Arc::new(Shared {
            is_of_one_task: true,
            state: Mutex::default(),
        }))
    }

    /// The token of another copy.
    pub(crate) fn token(&self) -> MessageToken {
        let mut state = self.0.lock();
        state.copies += 1;
        state.awaited += 1;
        drop(state);
        MessageToken(Kind::Awaited(Arc::clone(&self.0)))
    }

    /// Says that there will be no more copies.
    pub(crate) fn close(&self) {
        self.0.change(|state| state.is_closed = true);
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        self.close();
    }
}

impl MessageToken {
    /// Adds octets that were prepended; they stand before those prepended earlier.
    fn prepended(mut self, pieces: impl Iterator<Item = Bytes>) -> Self {
        let octets = pieces.chain(self.octets().iter().cloned()).collect();
        let is_awaited = self.take_awaited();
        let shared = Arc::clone(self.shared());
        self.0 = Kind::Prepended(Box::new(Prepended {
            shared,
            octets,
            is_awaited,
        }));
        self
    }

    fn shared(&self) -> &Arc<Shared> {
        match &self.0 {
            Kind::Awaited(shared) | Kind::Here(shared) => shared,
            Kind::Prepended(prepended) => &prepended.shared,
        }
    }

    fn octets(&self) -> &[Bytes] {
        match &self.0 {
            Kind::Prepended(prepended) => &prepended.octets,
            _ => &[],
        }
    }

    /// Marks the copy as arrived. Returns whether it was still awaited.
    fn take_awaited(&mut self) -> bool {
        match &mut self.0 {
            Kind::Awaited(shared) => {
                self.0 = Kind::Here(Arc::clone(shared));
                true
            }
            Kind::Here(_) => false,
            Kind::Prepended(prepended) => mem::take(&mut prepended.is_awaited),
        }
    }

    /// Whether both are of the same message, and have the same octets.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let octets = |token: &Self| token.octets().iter().flatten().copied().collect::<Vec<_>>();
        Arc::ptr_eq(self.shared(), other.shared())
            && (self.octets() == other.octets() || octets(self) == octets(other))
    }

    /// Whether one task polls the transactions of all copies.
    pub(crate) fn is_of_one_task(&self) -> bool {
        self.shared().is_of_one_task
    }

    /// Whether this is the only copy.
    pub(crate) fn is_only_one(&self) -> bool {
        let state = self.shared().lock();
        state.is_closed && state.copies == 1
    }

    /// Says that the copy has arrived at the place where copies meet.
    pub(crate) fn arrive(&mut self) {
        if self.take_awaited() {
            self.shared().change(|state| state.awaited -= 1);
        }
    }

    /// How many copies have not arrived yet.
    pub(crate) fn awaited(&self) -> usize {
        self.shared().lock().awaited
    }

    /// Waits until there will be no more copies.
    pub(crate) fn poll_closed(&self, cx: &Context<'_>) -> Poll<()> {
        self.shared().poll(cx, |state| state.is_closed)
    }

    /// Waits until every copy has arrived or was dropped, and there will be no more.
    pub(crate) fn poll_all_here(&self, cx: &Context<'_>) -> Poll<()> {
        self.shared()
            .poll(cx, |state| state.is_closed && state.awaited == 0)
    }

    /// The places where copies meet.
    pub(crate) fn meetings(&self) -> Meetings<'_> {
        Meetings(self.shared().lock())
    }

    pub(crate) fn holdings(&self) -> Holdings {
        Holdings::of(self.shared())
    }

    /// A random number that all copies share. The first caller draws it.
    pub(crate) fn unit(&self, random: impl FnOnce() -> f64) -> f64 {
        *self.shared().lock().unit.get_or_insert_with(random)
    }

    /// The facts of the session for another sender. All copies that ask for the same sender share them.
    pub(crate) fn context_for(
        &self,
        context: &Arc<context::Context>,
        sender: &Sender,
    ) -> Arc<context::Context> {
        let contexts = &mut self.shared().lock().contexts;
        if let Some([own, other]) = contexts
            && Arc::ptr_eq(own, context)
            && other.sender == *sender
        {
            return Arc::clone(other);
        }
        let other = Arc::new(context.on_behalf_of(sender));
        *contexts = Some([Arc::clone(context), Arc::clone(&other)]);
        other
    }

    /// A token for the body that stands for all copies that have met.
    pub(crate) fn of_all(&self) -> Self {
        Self(match &self.0 {
            Kind::Awaited(shared) | Kind::Here(shared) => Kind::Here(Arc::clone(shared)),
            Kind::Prepended(prepended) => Kind::Prepended(Box::new(Prepended {
                is_awaited: false,
                ..(**prepended).clone()
            })),
        })
    }
}

impl Meetings<'_> {
    /// The first meeting that `join` can join.
    pub(crate) fn find<T: Any + Send + Sync, R>(
        &self,
        mut join: impl FnMut(&Arc<T>) -> Option<R>,
    ) -> Option<(Arc<T>, R)> {
        let Self(state) = self;
        state.meetings.iter().find_map(|meeting| {
            let meeting = meeting.upgrade()?.downcast().ok()?;
            let joined = join(&meeting)?;
            Some((meeting, joined))
        })
    }

    pub(crate) fn add<T: Any + Send + Sync>(&mut self, meeting: &Arc<T>) {
        let Self(state) = self;
        state.meetings.retain(|other| other.strong_count() > 0);
        let meeting: Weak<T> = Arc::downgrade(meeting);
        state.meetings.push(meeting);
    }
}

impl Drop for MessageToken {
    fn drop(&mut self) {
        self.arrive();
    }
}

// === impl Shared ===

impl Shared {
    fn change(&self, change: impl FnOnce(&mut State)) {
        let waiting = {
            let mut state = self.lock();
            change(&mut state);
            state.waiting.take()
        };
        waiting.wake();
    }

    fn poll(&self, cx: &Context<'_>, is_so: impl FnOnce(&State) -> bool) -> Poll<()> {
        let mut state = self.lock();
        if is_so(&state) {
            return Poll::Ready(());
        }
        state.waiting.add(cx.waker());
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Copies")
    }
}

impl fmt::Debug for MessageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageToken")
    }
}
