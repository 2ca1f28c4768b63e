//! When the message of a run leaves, for all that take part in it.
//!
//! A member that is an attempt may be ended while its message has not left. If the endpoint says when it sends the last
//! octets, all members are asked at that moment. Otherwise they are asked when the message is given to the endpoint.
//! Where one of them has left, or must end, the call is dropped, and another run begins with the others.
//!
//! A member is asked for what it was told, and for its lease by the clock: the task that sends the message is not the
//! member's, and continues as well where the process has stood still.

use std::sync::{Arc, Weak};

use crate::{
    body::Body,
    few::Few,
    signals::{Departure, Gone, Holding, Leaving, Sharers, Signals},
};

use super::{action::Copy, group::Group, state::State};

/// The number of the run that a first member begins.
const FIRST: usize = 0;

/// When the message of a run leaves.
#[derive(Default)]
pub(super) struct Leave {
    /// Where the endpoint says it.
    departure: Option<Arc<Departure>>,
    /// The message once more, for the others if a member leaves before that.
    again: Option<Body>,
    is_out: bool,
}

/// What is left of a run that does not start. To be dropped without the lock.
pub(super) struct Left {
    copies: Vec<Body>,
    staying: Vec<Arc<Departure>>,
}

impl Leave {
    /// Whether members may leave although the message has started.
    pub(super) fn is_open(&self) -> bool {
        self.again.is_some() && !self.is_out
    }

    /// The message for a member that goes on in another run.
    pub(super) fn again(&self) -> Option<Body> {
        self.again.as_ref()?.copy()
    }

    fn is_held(&self) -> bool {
        let departure = self.departure.as_ref();
        departure.is_some_and(|departure| departure.is_held())
    }
}

impl Left {
    /// Tells the attempts that go on that their message has not left.
    pub(super) fn tell(self) {
        self.staying.iter().for_each(|departure| departure.stay());
        drop(self.copies);
    }
}

impl Group {
    /// The signals for the call of a run: its endpoint is to ask all members.
    pub(super) fn signals_of(self: &Arc<Self>, run: usize) -> Signals {
        let Some(first) = self.signals.departure() else {
            return self.signals.clone();
        };
        let (departure, signals) = match run {
            FIRST => {
                first.join(self.sharers(), run);
                (Arc::clone(first), self.signals.clone())
            }
            _ => {
                let departure = Arc::new(Departure::shared_by(self.sharers(), run));
                let signals = self.signals.with_departure(Arc::clone(&departure));
                (departure, signals)
            }
        };
        self.lock().state.runs[run].leave.departure = Some(departure);
        signals
    }

    /// Lets the endpoint that was called for the first member alone ask the others as well.
    pub(super) fn join_first(self: &Arc<Self>, state: &mut State) {
        if let (Some(run), Some(first)) = (state.runs.first_mut(), self.signals.departure()) {
            first.join(self.sharers(), FIRST);
            run.leave.departure = Some(Arc::clone(first));
        }
    }

    fn sharers(self: &Arc<Self>) -> Weak<dyn Sharers> {
        let group: Arc<dyn Sharers> = Arc::<Self>::clone(self);
        Arc::downgrade(&group)
    }

    /// From now on the group says when the message of a run leaves, if anybody is to say that.
    pub(super) fn hold(&self, run: usize, is_shared: bool) {
        let members = self.lock().state.to_be_held(run, is_shared);
        if members.is_empty() {
            return;
        }
        // Whoever waits for it is woken.
        let held = members.into_iter();
        let held: Vec<_> = held
            .map(|(member, departure)| (member, departure.hold_for_group()))
            .collect();
        self.lock().state.keep_held(held);
    }

    /// Asks the attempts of a run whether they must end. They are told if so.
    pub(super) fn heed(&self, run: usize) {
        let departures = self.lock().state.departures(run);
        for departure in departures {
            departure.heed();
        }
    }

    /// As [`Group::heed`], right before the message of a run is given to its endpoint, with which it leaves if the
    /// endpoint does not say more.
    pub(super) fn heed_and_ask(&self, run: usize) {
        self.heed(run);
        if !self.lock().state.runs[run].leave.is_held() {
            self.ask_wholes(run);
        }
    }

    /// Asks those who share the message of attempts that the members are parts of.
    fn ask_wholes(&self, run: usize) {
        let departures = self.lock().state.departures(run);
        for departure in departures {
            // What is not to go is given up.
            departure.ask_sharers_of_whole();
        }
    }

    /// Ends members whose attempts must end, if the process has stood still: nobody has told them yet.
    pub(super) fn heed_clock(&self) {
        let first = self.lock().state.first_departure();
        if !first.is_some_and(|departure| departure.is_overdue()) {
            return;
        }
        let all = self.lock().state.all_departures();
        for (member, departure) in all {
            if departure.heed() {
                let left = self.lock().state.leave(member);
                drop(left);
            }
        }
    }
}

impl Sharers for Group {
    /// Whether the message of a run may leave. If not, the call is dropped.
    fn may_go(&self, run: usize) -> bool {
        self.heed(run);
        self.ask_wholes(run);
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

impl State {
    /// The members in a run, one for each seat.
    fn members_in(&self, run: usize) -> impl Iterator<Item = usize> {
        let seats = self.runs[run].seats.iter().map(|index| &self.seats[*index]);
        seats
            .filter(move |seat| seat.is_in(run))
            .map(|seat| seat.member)
    }

    fn departures(&self, run: usize) -> Vec<Arc<Departure>> {
        let members = self.members_in(run);
        members
            .filter_map(|member| self.members[member].departure.clone())
            .collect()
    }

    fn first_departure(&self) -> Option<Arc<Departure>> {
        let mut open = self.members.iter().filter(|member| !member.is_gone);
        open.find_map(|member| member.departure.clone())
    }

    fn all_departures(&self) -> Vec<(usize, Arc<Departure>)> {
        let open = self.members.iter().enumerate();
        open.filter(|(_, member)| member.is_open())
            .filter_map(|(index, member)| Some((index, member.departure.clone()?)))
            .collect()
    }

    fn to_be_held(&self, run: usize, is_shared: bool) -> Vec<(usize, Arc<Departure>)> {
        if !is_shared && !self.runs[run].leave.is_held() {
            return Vec::new();
        }
        self.members_in(run)
            .filter(|member| self.members[*member].holding.is_none())
            .filter_map(|member| Some((member, self.members[member].departure.clone()?)))
            .collect()
    }

    fn keep_held(&mut self, held: Vec<(usize, Holding)>) {
        for (member, holding) in held {
            self.members[member].holding = Some(holding);
        }
    }

    /// Takes the copies of the message with which a run starts: the first one is sent, for all of them.
    ///
    /// # Errors
    ///
    /// What is left, if a member has left or must end: another run begins with the others.
    pub(super) fn give_shared(
        &mut self,
        run: usize,
        mut copies: Few<Copy>,
    ) -> Result<(Option<Body>, Vec<Body>), Left> {
        let again = match self.runs[run].leave.is_held() {
            true => copies.iter().next().and_then(|(_, body)| body.copy()),
            false => None,
        };
        // If the endpoint asks later, nothing is decided yet.
        let gone = match again {
            Some(_) => Gone::No,
            None => Gone::Taken,
        };
        self.runs[run].leave.again = again;
        let Err(staying) = self.depart(run, gone) else {
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

    /// Notes that the message of a run leaves, if all of its members agree.
    ///
    /// # Errors
    ///
    /// Those that had agreed, if others have left or leave.
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
            self.runs[run].leave.is_out = gone != Gone::No;
            return Ok(());
        }
        self.is_untidy = true;
        self.is_changed = true;
        Err(agreed)
    }
}
