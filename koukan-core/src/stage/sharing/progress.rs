//! The next steps for the runs of a group.

use std::mem;

use crate::{body::Body, few::Few, reply::Reply};

use super::{
    action::Action,
    seats::Stand,
    state::{Run, State},
};

impl State {
    /// Looks for runs whose recipients have left or were refused.
    pub(super) fn tidy(&mut self, actions: &mut Vec<Action>) {
        for run in 0..self.runs.len() {
            if self.runs[run].is_over {
                continue;
            }
            let own = Company::of(self, run);
            let Run {
                is_started,
                is_vain,
                ..
            } = self.runs[run];
            let can_leave = !is_started || self.runs[run].leave.is_open();
            if !(own.stays || own.refused) || (own.gone && can_leave) {
                self.drop_run(run, actions);
            } else if !own.stays && own.has_all_recipients {
                self.end_in_vain(run, is_started, is_vain, actions);
            }
        }
    }

    /// Lets a run end by itself, with the endpoint's own reply and a connection that can be kept. A
    /// run that does not end at once is abandoned.
    fn end_in_vain(
        &mut self,
        run: usize,
        is_started: bool,
        is_vain: bool,
        actions: &mut Vec<Action>,
    ) {
        self.runs[run].is_vain = true;
        if is_started {
            return;
        }
        if is_vain {
            self.drop_run(run, actions);
            return;
        }
        if !mem::replace(&mut self.runs[run].is_closed, true) {
            actions.push(Action::Close(run));
        }
        self.is_untidy = true;
        self.is_changed = true;
    }

    /// Abandons a run. The recipients that were not refused wait for another.
    fn drop_run(&mut self, run: usize, actions: &mut Vec<Action>) {
        actions.push(Action::Drop(run));
        self.begin_again(run);
    }

    /// After a run's call is dropped, its recipients wait for another run, except those that were
    /// refused.
    pub(super) fn begin_again(&mut self, run: usize) {
        self.runs[run].is_over = true;
        // The slots come back before they are lent again.
        self.is_changed = true;
        for index in mem::take(&mut self.runs[run].seats) {
            let seat = &mut self.seats[index];
            let member = &mut self.members[seat.member];
            if seat.is_in(run) && !member.is_gone {
                seat.stand = Stand::Waiting;
                self.waiting += 1;
                if member.has_body && member.body.is_none() {
                    member.body = self.runs[run].leave.again();
                }
            }
        }
    }

    /// A run that holds a connection and waits only for its message.
    pub(super) fn idle_run(&self) -> Option<usize> {
        let mut runs = self.runs.iter().enumerate();
        let idle = runs.find(|(number, run)| {
            let is_asked =
                |index: &usize| matches!(self.seats[*index].stand, Stand::Asked(own) if own == *number);
            let is_idle = run.accepted > 0 && !run.is_over && !run.is_started && !run.is_vain;
            // They are answered in their order.
            is_idle && !run.seats.iter().rev().any(is_asked)
        });
        idle.map(|(number, _)| number)
    }

    /// Abandons a run until its message is there.
    pub(super) fn park(&mut self, run: usize, actions: &mut Vec<Action>) {
        self.runs[run].is_over = true;
        self.is_parked = true;
        self.is_untidy = true;
        actions.push(Action::Drop(run));
        for index in mem::take(&mut self.runs[run].seats) {
            let seat = &mut self.seats[index];
            if seat.is_in(run) {
                seat.stand = Stand::Parked;
            }
        }
    }

    /// Whether all recipients of a run were answered; `None` where the run is over.
    pub(super) fn is_answered(&self, run: usize) -> Option<bool> {
        let own = &self.runs[run];
        let is_asked = |index: &usize| self.seats[*index].stand == Stand::Asked(run);
        (!own.is_over).then(|| !own.seats.iter().any(is_asked))
    }

    /// Abandons a run until the whole message is there; `body` is a copy of it.
    pub(super) fn park_slow(&mut self, run: usize, body: &Body, actions: &mut Vec<Action>) {
        for index in &self.runs[run].seats {
            let seat = &self.seats[*index];
            let member = &mut self.members[seat.member];
            if seat.is_in(run) && member.is_open() {
                member.has_body = true;
                member.is_slow = true;
                member.body = body.again();
            }
        }
        self.park(run, actions);
    }

    /// Notes that the whole message is there.
    pub(super) fn is_whole(&mut self) {
        for member in &mut self.members {
            member.is_slow = false;
        }
        self.is_changed = true;
    }

    /// Asks parked recipients again, now that their message is there: one run after the other, so
    /// that one connection is enough.
    pub(super) fn resume(&mut self, recipients_max: usize) {
        if self.runs.iter().any(|run| !run.is_over) || self.waiting > 0 {
            return;
        }
        self.is_parked = false;
        let mut room = recipients_max;
        for seat in &mut self.seats {
            let member = &self.members[seat.member];
            if seat.stand != Stand::Parked || member.is_gone {
                continue;
            }
            if room == 0 || !member.has_body || member.is_slow {
                self.is_parked = true;
                continue;
            }
            room -= 1;
            seat.stand = Stand::Waiting;
            self.waiting += 1;
        }
    }

    /// Passes on the recipients that wait for a run.
    pub(super) fn hand_on(&mut self, recipients_max: usize, actions: &mut Vec<Action>) {
        for index in 0..self.seats.len() {
            if self.waiting == 0 {
                break;
            }
            if !matches!(self.seats[index].stand, Stand::Waiting) {
                continue;
            }
            self.waiting -= 1;
            let run = self.open_run(recipients_max, actions);
            let Run { seats, .. } = &mut self.runs[run];
            let position = seats.len();
            seats.push(index);
            let seat = &mut self.seats[index];
            seat.stand = Stand::Asked(run);
            actions.push(Action::Hand {
                run,
                seat: index,
                position,
                rcpt: seat.rcpt.clone(),
                slot: seat.slot.take(),
            });
        }
    }

    /// The run that accepts recipients.
    fn open_run(&mut self, recipients_max: usize, actions: &mut Vec<Action>) -> usize {
        let is_open = |run: &Run| {
            !run.is_over && !run.is_closed && !run.is_started && run.seats.len() < recipients_max
        };
        if let Some(last) = self.runs.iter().rposition(is_open) {
            return last;
        }
        self.runs.push(Run::default());
        let run = self.runs.len() - 1;
        actions.push(Action::Begin(run, self.mail_slots.pop()));
        run
    }

    /// Starts the message in the runs in which every member has it.
    pub(super) fn start(&mut self, actions: &mut Vec<Action>) {
        for run in 0..self.runs.len() {
            if !self.may_start(run) {
                continue;
            }
            self.runs[run].is_closed = true;
            self.runs[run].is_started = true;
            actions.push(Action::Close(run));
            self.give_body(run, actions);
        }
    }

    /// Whether a run that has not started has its message.
    pub(super) fn may_start(&self, run: usize) -> bool {
        let Run {
            is_started,
            is_over,
            ..
        } = self.runs[run];
        !is_started && !is_over && self.has_bodies(run)
    }

    fn has_bodies(&self, run: usize) -> bool {
        let mut own = { self.runs[run].seats.iter() }
            .map(|index| &self.seats[*index])
            .filter(|seat| seat.is_in(run))
            .map(|seat| &self.members[seat.member])
            .peekable();
        own.peek().is_some() && own.all(|member| member.has_body)
    }

    /// Takes the members' bodies, and gives one of them to the run.
    fn give_body(&mut self, run: usize, actions: &mut Vec<Action>) {
        let is_shared = self.members.len() > 1;
        let mut copies = Few::new();
        for index in &self.runs[run].seats {
            let seat = &self.seats[*index];
            if !seat.is_in(run) {
                continue;
            }
            let member = &mut self.members[seat.member];
            let Some(body) = member.body.take() else {
                continue;
            };
            if member.has_several_seats() || seat.stand == Stand::Asked(run) {
                // Another run may need it.
                member.body = body.copy();
            }
            copies.push((seat.member, body));
        }
        if copies.len() > 0 {
            actions.push(Action::Give {
                run,
                copies,
                is_shared,
            });
        } else {
            // It was sent in another run, and cannot be read again.
            self.runs[run].is_over = true;
            actions.push(Action::Drop(run));
            for index in mem::take(&mut self.runs[run].seats) {
                if self.seats[index].is_in(run) {
                    self.seats[index].end(Reply::too_many_recipients(), actions);
                }
            }
            self.settle(false, actions);
        }
    }
}

/// The members in a run.
#[derive(Debug, Default)]
struct Company {
    /// A member stays that was not refused.
    stays: bool,
    /// A member was refused, and waits for the end.
    refused: bool,
    /// A member has left that was not refused.
    gone: bool,
    /// The members that stay have no further recipients to come.
    has_all_recipients: bool,
}

impl Company {
    fn of(state: &State, run: usize) -> Self {
        let mut company = Self {
            has_all_recipients: true,
            ..Self::default()
        };
        for index in &state.runs[run].seats {
            let seat = &state.seats[*index];
            let member = &state.members[seat.member];
            match (seat.is_in(run), member.is_gone) {
                (true, true) => company.gone = true,
                (true, false) => company.stays = true,
                (false, false) => {
                    let is_refused = matches!(seat.stand, Stand::Refused(_));
                    company.refused |= is_refused && member.is_open();
                }
                (false, true) => {}
            }
            company.has_all_recipients &= member.is_gone || member.has_all_recipients;
        }
        company
    }
}
