//! The open slots of one transaction, and how long each may stay open.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    clock::Alarm,
    reply::Reply,
    transaction::{Owed, Slot},
};

/// Slots that wait for a reply.
pub(super) struct OpenSlots {
    timeout: Duration,
    owed: Owed<Slot>,
    alarm: Alarm,
}

impl OpenSlots {
    pub(super) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            owed: Owed::default(),
            alarm: Alarm::default(),
        }
    }

    pub(super) fn open_mail(&mut self, slot: Slot) {
        let deadline = Instant::now() + self.timeout;
        self.owed.add_mail(slot, Some(deadline));
    }

    pub(super) fn open_rcpt(&mut self, index: usize, slot: Slot) {
        let deadline = Instant::now() + self.timeout;
        self.owed.add_rcpt(index, slot, Some(deadline));
    }

    pub(super) fn answer_mail(&mut self, reply: Reply) {
        if let Some(slot) = self.owed.take_mail() {
            slot.answer(reply);
        }
    }

    pub(super) fn answer_rcpt(&mut self, index: usize, reply: Reply) {
        if let Some(slot) = self.owed.take_rcpt(index) {
            slot.answer(reply);
        }
    }

    pub(super) fn answer_all(&mut self, reply: impl FnOnce() -> Reply) {
        if self.owed.is_empty() {
            return;
        }
        let reply = reply();
        self.answer_mail(reply.clone());
        for slot in self.owed.take_rcpts(0) {
            slot.answer(reply.clone());
        }
    }

    /// Answers the slots that have been open for too long.
    pub(super) fn poll_timeouts(&mut self, cx: &mut Context<'_>, reply: impl Fn() -> Reply) {
        while let Some(deadline) = self.owed.deadline() {
            if self.alarm.poll(cx, deadline).is_pending() {
                return;
            }
            let mail = self.owed.take_overdue_mail(deadline);
            let overdue = mail.or_else(|| self.owed.take_overdue_rcpt(deadline));
            overdue.into_iter().for_each(|slot| slot.answer(reply()));
        }
    }

    /// Ready at a deadline that holds for all of them together.
    pub(super) fn poll_deadline(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        self.alarm.poll(cx, deadline)
    }
}
