//! What a driver and its call share.

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

/// How many RCPT commands may wait to be pulled.
pub(super) const RECIPIENTS_QUEUED: usize = 32;
/// How many body chunks may wait to be pulled.
const CHUNKS_QUEUED: usize = 4;

/// Everything that a driver and its call share, in one allocation: most transactions have one recipient,
/// and each transaction needs one of these.
///
/// The items in the queues hold a reference to this, and so does the waker of the call. Both are gone once
/// the call drops the consumer's ends.
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

    /// The commands; may be requested once.
    pub(super) fn commands(self: &Arc<Self>) -> Commands {
        Commands::at(Arc::<Self>::clone(self))
    }

    /// The recipients' queue; may be requested once.
    pub(super) fn recipients(
        self: &Arc<Self>,
    ) -> (pipe::Sender<Command<Rcpt>>, pipe::Receiver<Command<Rcpt>>) {
        ends(Arc::<Self>::clone(self))
    }

    /// The body's queue; may be requested once.
    pub(super) fn body(self: &Arc<Self>) -> (pipe::Sender<Piece>, pipe::Receiver<Piece>) {
        ends(Arc::<Self>::clone(self))
    }

    /// The waker of the call.
    pub(super) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    /// Notes that something is handed on and the call is polled right after.
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
