//! When the message of a run leaves, for all whose it is.
//!
//! A member that is an attempt may be ended for as long as its message has not left. An endpoint that says when it
//! gives the destination the last octets has all of them asked at that moment: where one of them has left, or has given
//! its message up, the call is dropped, and another one begins with the others. With other endpoints they are asked when
//! the message starts.

use std::sync::{Arc, Weak};

use crate::{
    body::Body,
    few::Few,
    signals::{Departure, Gone, Holding, Leaving, Sharers, Signals},
};

use super::{action::Copy, group::Group, state::State};

/// When the message of a run leaves.
#[derive(Default)]
pub(super) struct Leave {
    /// What the endpoint says it by.
    departure: Option<Arc<Departure>>,
    /// The message once more, for those who go on where a member leaves before that.
    again: Option<Body>,
    is_out: bool,
}

/// Members of a run, as its endpoint asks them.
struct Members {
    group: Weak<Group>,
    run: usize,
}

/// What is left of a run that does not start, to be seen to without the lock.
pub(super) struct Left {
    copies: Vec<Body>,
    staying: Vec<Arc<Departure>>,
}

impl Leave {
    /// Whether members may leave although the message has started.
    pub(super) fn is_open(&self) -> bool {
        self.again.is_some() && !self.is_out
    }

    /// The message for one who goes on in another run.
    pub(super) fn again(&self) -> Option<Body> {
        self.again.as_ref()?.copy()
    }

    fn is_held(&self) -> bool {
        let departure = self.departure.as_ref();
        departure.is_some_and(|departure| departure.is_held())
    }
}

impl Left {
    /// Has those who stay know that nothing of theirs has gone.
    pub(super) fn see_to(self) {
        self.staying.iter().for_each(|departure| departure.stay());
        drop(self.copies);
    }
}

impl Group {
    /// The signals for the call of a run: its endpoint is to ask all members.
    pub(super) fn signals_of(self: &Arc<Self>, run: usize) -> Signals {
        if self.signals.find::<Departure>().is_none() {
            return self.signals.clone();
        }
        let departure = Arc::new(Departure::shared_by(self.members_of(run)));
        self.lock().state.runs[run].leave.departure = Some(Arc::clone(&departure));
        self.signals.with_other(departure)
    }

    /// Has the endpoint that was called for the first member alone ask the others as well.
    pub(super) fn join_first(self: &Arc<Self>, state: &mut State) {
        if let (Some(run), Some(member)) = (state.runs.first_mut(), state.members.first())
            && let Some(departure) = &member.departure
        {
            departure.join(self.members_of(0));
            run.leave.departure = Some(Arc::clone(departure));
        }
    }

    fn members_of(self: &Arc<Self>, run: usize) -> Arc<dyn Sharers> {
        let group = Arc::downgrade(self);
        Arc::new(Members { group, run })
    }

    /// From now on it is for the group to say when the message of a run leaves, where anybody is to say that.
    pub(super) fn hold(&self, run: usize, is_shared: bool) {
        let members = self.lock().state.held_by_group(run, is_shared);
        // Who waits for it is woken.
        let held = members.into_iter();
        let held: Vec<_> = held
            .map(|(member, departure)| (member, departure.hold_for_group()))
            .collect();
        self.lock().state.keep_held(held);
    }

    /// Whether the message of a run may leave; where it may not the call is dropped.
    fn may_go(&self, run: usize) -> bool {
        let (staying, runner) = {
            let state = &mut self.lock().state;
            match state.depart(run, Gone::Whole) {
                Ok(()) => return true,
                Err(staying) => (staying, state.runner.take()),
            }
        };
        staying.iter().for_each(|departure| departure.stay());
        runner.wake();
        false
    }
}

impl Sharers for Members {
    fn may_go(&self) -> bool {
        let group = self.group.upgrade();
        group.is_some_and(|group| group.may_go(self.run))
    }
}

impl State {
    fn held_by_group(&self, run: usize, is_shared: bool) -> Vec<(usize, Arc<Departure>)> {
        let run_at = &self.runs[run];
        if !is_shared && !run_at.leave.is_held() {
            return Vec::new();
        }
        let seats = run_at.seats.iter().map(|index| &self.seats[*index]);
        let members = seats.filter(|seat| seat.is_in(run)).map(|seat| seat.member);
        members
            .filter(|member| self.members[*member].holding.is_none())
            .filter_map(|member| {
                Some((member, Arc::clone(self.members[member].departure.as_ref()?)))
            })
            .collect()
    }

    fn keep_held(&mut self, held: Vec<(usize, Holding)>) {
        for (member, holding) in held {
            self.members[member].holding = Some(holding);
        }
    }

    /// Takes the copies of the message with which a run starts: the first is to go, and the others have gone by it.
    ///
    /// # Errors
    ///
    /// What is left where a member has left, or leaves, that could not do so later: another run begins with the others.
    pub(super) fn give_shared(
        &mut self,
        run: usize,
        mut copies: Few<Copy>,
    ) -> Result<(Option<Body>, Vec<Body>), Left> {
        let again = match self.runs[run].leave.is_held() {
            true => copies.iter().next().and_then(|(_, body)| body.copy()),
            false => None,
        };
        let goes_later = again.is_some();
        self.runs[run].leave.again = again;
        let left = match goes_later {
            true => Ok(()),
            false => self.depart(run, Gone::Taken),
        };
        let Err(staying) = left else {
            let mut bodies = copies.take().map(|(_, body)| body);
            return Ok((bodies.next(), bodies.collect()));
        };
        let mut left = Vec::new();
        for (member, body) in copies.take() {
            let member = &mut self.members[member];
            let before = match member.is_gone {
                true => Some(body),
                false => member.body.replace(body),
            };
            left.extend(before);
        }
        self.begin_again(run);
        Err(Left {
            copies: left,
            staying,
        })
    }

    /// Notes that the message of a run leaves, as all of its members agree.
    ///
    /// # Errors
    ///
    /// Those who had agreed, where others have left or leave.
    fn depart(&mut self, run: usize, gone: Gone) -> Result<(), Vec<Arc<Departure>>> {
        let own = &self.runs[run];
        if own.is_over {
            return Err(Vec::new());
        }
        if own.leave.is_out {
            return Ok(());
        }
        let (mut agreed, mut do_all) = (Vec::new(), true);
        for index in &own.seats {
            let seat = &self.seats[*index];
            if !seat.is_in(run) {
                continue;
            }
            let member = &mut self.members[seat.member];
            let leaving = match &member.departure {
                _ if member.is_gone => Leaving::Never,
                Some(departure) => departure.leave(gone),
                None => Leaving::Before,
            };
            match leaving {
                Leaving::Now => agreed.extend(member.departure.clone()),
                Leaving::Before => {}
                Leaving::Never => {
                    member.is_gone = true;
                    do_all = false;
                }
            }
        }
        if do_all {
            self.runs[run].leave.is_out = true;
            return Ok(());
        }
        self.is_untidy = true;
        self.is_changed = true;
        Err(agreed)
    }
}
