//! The state of a group, and its next actions.

use std::{mem, sync::Arc, task::Waker};

use crate::{
    body::Body,
    reply::Reply,
    signals::Departure,
    transaction::{Command, Loan, Rcpt, Slot},
    waking::Waiters,
};

use super::{
    action::{Action, Limits},
    departing::Leave,
    members::Member,
    seats::{Seat, Stand, final_reply, is_too_many},
};

/// Stands for the slot of MAIL in place of a seat's number.
pub(super) const MAIL: usize = usize::MAX;

/// The state of a group: plain data.
#[derive(Default)]
pub(super) struct State {
    pub(super) members: Vec<Member>,
    pub(super) seats: Vec<Seat>,
    pub(super) runs: Vec<Run>,
    /// Members' slots of MAIL that are not answered yet.
    pub(super) mail_slots: Vec<Slot>,
    pub(super) mail_reply: Option<Reply>,
    /// Slots that have come back.
    pub(super) events: Vec<Event>,
    /// The task that drives the calls.
    pub(super) runner: Waiters,
    /// Whether a member has made a change that was not looked at yet.
    pub(super) is_changed: bool,
    /// Seats that wait for a run.
    pub(super) waiting: usize,
    /// Whether there may be seats that wait for the message before they are asked again.
    pub(super) is_parked: bool,
    /// Whether a member has left or was refused since the last check.
    pub(super) is_untidy: bool,
    /// Whether nobody can join any more.
    is_over: bool,
}

/// A slot that has come back, with its answer if there is one.
pub(super) type Event = (Loan, Slot, Option<Reply>);

/// An inner transaction.
#[derive(Default)]
pub(super) struct Run {
    /// Its recipients, by position.
    pub(super) seats: Vec<usize>,
    pub(super) accepted: usize,
    /// Whether it accepts no more recipients.
    pub(super) is_closed: bool,
    /// Whether all its recipients were refused, so that it ends by itself.
    pub(super) is_vain: bool,
    pub(super) is_started: bool,
    pub(super) is_over: bool,
    /// When its message leaves.
    pub(super) leave: Leave,
}

impl State {
    /// A state with a first member, its recipient and the open reply to MAIL.
    pub(super) fn begin(
        mail: Slot,
        rcpt: Command<Rcpt>,
        departure: Option<Arc<Departure>>,
    ) -> Self {
        let mut state = Self::default();
        state.mail_slots.push(mail);
        state.enter(rcpt, departure);
        state
    }

    /// A state with a first member whose recipient was passed on in a first run; with the answers so
    /// far.
    pub(super) fn begun(
        mail_reply: Option<Reply>,
        rcpt: Rcpt,
        answer: Option<Reply>,
        is_vain: bool,
    ) -> Self {
        let told = answer.as_ref().map(Reply::is_positive);
        let stand = match answer {
            None => Stand::Asked(0),
            Some(reply) if reply.is_negative() => Stand::Refused(reply),
            Some(_) => Stand::Accepted(0),
        };
        Self {
            members: vec![Member {
                first_seat: Some(0),
                ..Member::default()
            }],
            seats: vec![Seat {
                member: 0,
                position: 0,
                rcpt,
                slot: None,
                told,
                stand,
            }],
            runs: vec![Run {
                seats: vec![0],
                accepted: usize::from(told == Some(true)),
                is_closed: is_vain,
                is_vain,
                ..Run::default()
            }],
            mail_reply,
            is_untidy: told == Some(false),
            is_changed: true,
            ..Self::default()
        }
    }

    /// Whether somebody can join.
    pub(super) fn is_open(&self) -> bool {
        !self.is_over
    }

    /// Adds a member with its first recipient. (Without a recipient it would end together with a run
    /// that it has no part in.) Returns its number.
    pub(super) fn enter(
        &mut self,
        rcpt: Command<Rcpt>,
        departure: Option<Arc<Departure>>,
    ) -> usize {
        let member = self.members.len();
        self.members.push(Member {
            departure,
            ..Member::default()
        });
        self.seat(member, rcpt);
        self.is_changed = true;
        member
    }

    pub(super) fn seat(&mut self, member: usize, rcpt: Command<Rcpt>) {
        let position = rcpt.position();
        let (rcpt, slot) = rcpt.into_parts();
        let index = self.seats.len();
        self.seats.push(Seat {
            member,
            position,
            rcpt,
            slot: Some(slot),
            told: None,
            stand: Stand::Waiting,
        });
        self.waiting += 1;
        let member = &mut self.members[member];
        match member.first_seat {
            None => member.first_seat = Some(index),
            Some(_) => member.other_seats.push(index),
        }
    }

    /// Notes that the member has no further recipients. Returns whether that may have consequences.
    pub(super) fn has_all_recipients(&mut self, member: usize) -> bool {
        let member = &mut self.members[member];
        member.has_all_recipients = true;
        let is_refused = |seat: usize| matches!(self.seats[seat].stand, Stand::Refused(_));
        self.is_untidy |= member.seats().any(is_refused);
        self.is_untidy
    }

    /// Takes the member's message. Returns whether that may have consequences.
    pub(super) fn give(&mut self, member: usize, body: Body) -> bool {
        let member = &mut self.members[member];
        member.has_body = true;
        member.body = Some(body);
        let is_any_open = self.is_parked || self.waiting > 0;
        is_any_open || (0..self.runs.len()).any(|run| self.may_start(run))
    }

    /// Notes that the member is gone. Returns what it leaves behind.
    pub(super) fn leave(&mut self, member: usize) -> (Option<Waker>, Option<Body>, Vec<Slot>) {
        let own = &mut self.members[member];
        own.is_gone = true;
        // Its attempt may go on by another way.
        own.holding = None;
        let mut slots = Vec::new();
        if own.result.is_none() {
            self.is_untidy = true;
            for index in own.seats() {
                let seat = &mut self.seats[index];
                slots.extend(seat.slot.take());
                if seat.stand == Stand::Waiting {
                    self.waiting -= 1;
                    seat.stand = Stand::Refused(Reply::local_error());
                }
            }
        }
        let left = (own.waiting.take(), own.body.take(), slots);
        // After the last member the calls may end, and nobody would drive them for a new one.
        self.is_over |= self.is_empty();
        left
    }

    /// Nobody can join any more.
    pub(super) fn close(&mut self) {
        self.is_over = true;
    }

    /// Ends all members: nobody drives the calls any more.
    pub(super) fn abandon(&mut self, actions: &mut Vec<Action>) {
        self.is_over = true;
        for member in self.members.iter_mut().filter(|member| !member.is_gone) {
            member.result.get_or_insert_with(Reply::local_error);
            actions.extend(member.end().map(Action::Wake));
        }
    }

    /// Whether all members are gone.
    pub(super) fn is_empty(&self) -> bool {
        self.members.iter().all(|member| member.is_gone)
    }

    /// The members' wakers.
    pub(super) fn take_wakers(&mut self) -> Vec<Waker> {
        let members = self.members.iter_mut();
        members.filter_map(|member| member.waiting.take()).collect()
    }

    /// Whether some member's message could start; only then it matters whether all copies are here.
    pub(super) fn is_given(&self) -> bool {
        let is_unstarted = |run: &Run| !run.is_over && !run.is_started;
        let is_any_open = self.is_parked || self.waiting > 0;
        (is_any_open || self.runs.iter().any(is_unstarted))
            && self.members.iter().any(|member| member.has_body)
    }

    /// Determines the actions; `false` where there is nobody left to act for.
    pub(super) fn next(&mut self, limits: Limits, actions: &mut Vec<Action>) -> bool {
        self.is_changed = false;
        self.take_events(actions);
        if mem::take(&mut self.is_untidy) {
            self.tidy(actions);
            self.settle(true, actions);
        }
        if !self.members.iter().any(Member::is_open) {
            self.is_over = true;
            return false;
        }
        if self.is_parked && limits.is_settled {
            self.resume(limits.recipients_max);
        }
        if self.waiting > 0 && !self.is_changed {
            self.hand_on(limits.recipients_max, actions);
        }
        if limits.is_settled {
            self.start(actions);
        }
        true
    }

    /// Notes that a run has ended, and that its unanswered slots have come back.
    pub(super) fn end(&mut self, run: usize, reply: &Reply, actions: &mut Vec<Action>) {
        self.runs[run].is_over = true;
        self.take_events(actions);
        let seats = mem::take(&mut self.runs[run].seats);
        for (position, index) in seats.into_iter().enumerate() {
            let own = match self.seats[index].stand {
                Stand::Accepted(own) if own == run => {
                    let own = reply.for_recipient(position).clone();
                    own.without_final_replies()
                }
                Stand::Asked(own) if own == run => reply.to_unanswered(Some(position)),
                _ => continue,
            };
            self.seats[index].end(own, actions);
        }
        if self.mail_reply.is_none() {
            let answer = |slot| Action::Answer(slot, reply.to_unanswered(None));
            actions.extend(self.mail_slots.drain(..).map(answer));
        }
        self.settle(false, actions);
    }

    /// Handles the slots that have come back.
    fn take_events(&mut self, actions: &mut Vec<Action>) {
        // The room is kept for the next ones.
        let mut events = mem::take(&mut self.events);
        for ([run, index], slot, reply) in events.drain(..) {
            let is_over = self.runs[run].is_over;
            match (index, reply) {
                (MAIL, Some(reply)) => {
                    let slots = self.mail_slots.drain(..).chain([slot]);
                    actions.extend(slots.map(|slot| Action::Answer(slot, reply.clone())));
                    self.mail_reply.get_or_insert(reply);
                }
                (MAIL, None) if is_over => self.mail_slots.push(slot),
                (_, None) if !is_over => actions.push(Action::Discard(slot)),
                (_, None) => self.put_back(index, slot, actions),
                (_, Some(reply)) => match self.seats[index].stand {
                    Stand::Asked(own) if own == run => {
                        self.answered(run, index, slot, reply, actions);
                    }
                    _ => self.put_back(index, slot, actions),
                },
            }
        }
        self.events = events;
    }

    /// The recipient has its answer.
    fn answered(
        &mut self,
        run: usize,
        index: usize,
        slot: Slot,
        reply: Reply,
        actions: &mut Vec<Action>,
    ) {
        let seat = &mut self.seats[index];
        let member = &self.members[seat.member];
        let can_move = !member.is_gone && (!member.has_body || member.body.is_some());
        if can_move && self.runs[run].accepted > 0 && is_too_many(&reply) {
            // There is room in the next transaction.
            self.runs[run].is_closed = true;
            seat.stand = Stand::Waiting;
            self.waiting += 1;
            return self.put_back(index, slot, actions);
        }
        if reply.is_positive() {
            self.runs[run].accepted += 1;
            seat.stand = Stand::Accepted(run);
        } else {
            self.is_untidy = true;
            seat.stand = Stand::Refused(reply.clone());
        }
        seat.tell(slot, reply, actions);
    }

    /// Takes back the slot of a recipient that was not answered.
    fn put_back(&mut self, index: usize, slot: Slot, actions: &mut Vec<Action>) {
        let seat = &mut self.seats[index];
        match &seat.stand {
            _ if seat.told.is_some() || self.members[seat.member].is_gone => {
                actions.push(Action::Discard(slot));
            }
            Stand::Waiting | Stand::Asked(_) => seat.slot = Some(slot),
            Stand::Accepted(_) | Stand::Parked => {
                seat.tell(slot, Reply::recipient_ok(), actions);
            }
            Stand::Refused(reply) | Stand::Ended(reply) => {
                let reply = reply.clone();
                seat.tell(slot, reply, actions);
            }
        }
    }

    /// Ends members whose result is complete; with `is_early` also where the run of their recipients
    /// continues without them.
    pub(super) fn settle(&mut self, is_early: bool, actions: &mut Vec<Action>) {
        let is_ending = |run: &Run| run.is_vain && !run.is_over;
        if is_early && self.runs.iter().any(is_ending) {
            // It ends in a moment, with the endpoint's own reply.
            return;
        }
        for (index, member) in self.members.iter_mut().enumerate() {
            if !member.is_open() || (is_early && !member.has_all_recipients) {
                continue;
            }
            let own = member.seats().map(|seat| &self.seats[seat]);
            if let Some(reply) = final_reply(own) {
                member.result = Some(reply);
                // After the answers to its commands.
                actions.push(Action::End(index));
            }
        }
    }
}
