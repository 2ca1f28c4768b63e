//! The open slots of one transaction, and the time each may stay open.

use std::{
    collections::BTreeMap,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::Instant;

use crate::{clock::Alarm, reply::Reply, transaction::Slot};

/// Slots that wait for a reply. Each is opened after the one before, so they time out in order.
pub(super) struct OpenSlots {
    timeout: Duration,
    mail: Option<(Slot, Instant)>,
    rcpts: BTreeMap<usize, (Slot, Instant)>,
    alarm: Alarm,
}

impl OpenSlots {
    pub(super) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            mail: None,
            rcpts: BTreeMap::new(),
            alarm: Alarm::default(),
        }
    }

    pub(super) fn open_mail(&mut self, slot: Slot) {
        self.mail = Some((slot, Instant::now() + self.timeout));
    }

    pub(super) fn open_rcpt(&mut self, index: usize, slot: Slot) {
        let deadline = Instant::now() + self.timeout;
        self.rcpts.insert(index, (slot, deadline));
    }

    pub(super) fn answer_mail(&mut self, reply: Reply) {
        if let Some((slot, _)) = self.mail.take() {
            slot.answer(reply);
        }
    }

    pub(super) fn answer_rcpt(&mut self, index: usize, reply: Reply) {
        if let Some((slot, _)) = self.rcpts.remove(&index) {
            slot.answer(reply);
        }
    }

    pub(super) fn answer_all(&mut self, reply: &Reply) {
        self.answer_mail(reply.clone());
        for (slot, _) in std::mem::take(&mut self.rcpts).into_values() {
            slot.answer(reply.clone());
        }
    }

    /// Answers what has been open for too long.
    pub(super) fn poll_timeouts(&mut self, cx: &mut Context<'_>, reply: impl Fn() -> Reply) {
        while let Some(deadline) = self.first_deadline() {
            if self.alarm.poll(cx, deadline).is_pending() {
                return;
            }
            if self.mail.as_ref().is_some_and(|(_, at)| *at <= deadline) {
                self.answer_mail(reply());
            } else if let Some((_, (slot, _))) = self.rcpts.pop_first() {
                slot.answer(reply());
            }
        }
    }

    /// Ready at a deadline for all of them together.
    pub(super) fn poll_deadline(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        self.alarm.poll(cx, deadline)
    }

    fn first_deadline(&self) -> Option<Instant> {
        let mail = self.mail.as_ref().map(|(_, deadline)| *deadline);
        let rcpt = self.rcpts.first_key_value().map(|(_, (_, at))| *at);
        mail.into_iter().chain(rcpt).min()
    }
}
