//! What a driver and its call have in common.

use std::{
    sync::Arc,
    task::{self, Poll, Wake, Waker},
};

use crate::{
    body::Piece,
    pipe::{self, Queue, ends},
    waking::Notes,
};

use super::{
    Command, Rcpt,
    commands::{Commands, MAIL},
    slot::{Home, Shared},
};

/// RCPT commands that wait to be pulled, at most.
pub(super) const RECIPIENTS_QUEUED: usize = 32;
/// Body chunks that wait to be pulled, at most.
const CHUNKS_QUEUED: usize = 4;

/// All that a driver and its call share, in one piece of memory: most transactions have one recipient, and
/// there is one of these for each.
///
/// What waits in the queues holds this, and so does the waker of the call: both are gone with the
/// consumer's ends, which the call has.
pub(super) struct Line {
    /// The polls of the call.
    notes: Notes,
    recipients: Queue<Command<Rcpt>>,
    body: Queue<Piece>,
    mail: Shared,
    first: Shared,
}

impl Line {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            notes: Notes::new(),
            recipients: Queue::new(RECIPIENTS_QUEUED),
            body: Queue::new(CHUNKS_QUEUED),
            mail: Shared::default(),
            first: Shared::default(),
        })
    }

    /// The commands; to be asked for once.
    pub(super) fn commands(self: &Arc<Self>) -> Commands {
        Commands::at(Arc::<Self>::clone(self))
    }

    /// The recipients' queue; to be asked for once.
    pub(super) fn recipients(
        self: &Arc<Self>,
    ) -> (pipe::Sender<Command<Rcpt>>, pipe::Receiver<Command<Rcpt>>) {
        ends(Arc::<Self>::clone(self))
    }

    /// The body's queue; to be asked for once.
    pub(super) fn body(self: &Arc<Self>) -> (pipe::Sender<Piece>, pipe::Receiver<Piece>) {
        ends(Arc::<Self>::clone(self))
    }

    /// The waker of the call.
    pub(super) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    /// Says that something is handed on, and that the call is polled right after.
    pub(super) fn expect(&self) {
        self.notes.expect();
    }

    /// Polls the call as often as it was woken; see [`Passes::poll`](crate::waking::Passes::poll).
    pub(super) fn poll<T>(
        &self,
        own: &Waker,
        cx: &mut task::Context<'_>,
        call: impl FnMut(&mut task::Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.notes.poll(own, cx, call)
    }
}

impl Wake for Line {
    fn wake(self: Arc<Self>) {
        self.notes.note();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.notes.note();
    }
}

impl Home for Line {
    fn command(&self, index: usize) -> &Shared {
        match index {
            MAIL => &self.mail,
            _ => &self.first,
        }
    }
}

impl pipe::Home<Command<Rcpt>> for Line {
    fn queue(&self) -> &Queue<Command<Rcpt>> {
        &self.recipients
    }
}

impl pipe::Home<Piece> for Line {
    fn queue(&self) -> &Queue<Piece> {
        &self.body
    }
}
