//! Any event in any state of a group: nobody waits forever, and each recipient that stays gets the
//! message once.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::{
    body::{Copies, Holdings, MessageToken},
    reply::Reply,
    signals::{Destination, HostPort},
    test_util::{Answer, Script},
};

use self::leg::{Kind, Leg};
use super::{Demand, Sharing, demand::Wanted, group::Group};

mod answers;
mod direct;
mod joining;
mod leaving;
mod leg;
mod one_task;
mod panics;

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";
const LATE: Duration = Duration::from_secs(60);
/// Longer than everything else takes.
const LONG: Duration = Duration::from_secs(3600);

/// The state of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A recipient was handed on and is not answered yet.
    Asked,
    SeveralAsked,
    /// A recipient was accepted.
    Accepted,
    SeveralAccepted,
    /// One was accepted, one refused.
    Mixed,
    Refused,
    SeveralRefused,
    /// There will be no other recipients, and all were refused.
    InVain,
    /// Accepted in a run that was given up because there was no message.
    Parked,
    SeveralParked,
    /// The first run takes no more recipients.
    Full,
    /// The first member is complete, and others are awaited.
    Waiting,
    /// The message is on its way.
    Started,
    SeveralStarted,
    Ended,
    SeveralEnded,
}

const STATES: [State; 16] = [
    State::Asked,
    State::SeveralAsked,
    State::Accepted,
    State::SeveralAccepted,
    State::Mixed,
    State::Refused,
    State::SeveralRefused,
    State::InVain,
    State::Parked,
    State::SeveralParked,
    State::Full,
    State::Waiting,
    State::Started,
    State::SeveralStarted,
    State::Ended,
    State::SeveralEnded,
];

impl State {
    /// The first member's recipients.
    fn recipients(self) -> &'static [&'static str] {
        match self {
            Self::Asked => &["late1@y"],
            Self::SeveralAsked => &["a@y", "late1@y"],
            Self::Mixed => &["a@y", "no1@y"],
            Self::Refused | Self::InVain => &["no1@y"],
            Self::SeveralRefused => &["no1@y", "no2@y"],
            Self::SeveralAccepted
            | Self::SeveralParked
            | Self::SeveralStarted
            | Self::SeveralEnded => &["a@y", "b@y"],
            Self::Full => &["a@y", "b@y", "c@y"],
            Self::Accepted | Self::Parked | Self::Waiting | Self::Started | Self::Ended => &["a@y"],
        }
    }

    fn is_parked(self) -> bool {
        matches!(self, Self::Parked | Self::SeveralParked)
    }

    fn is_started(self) -> bool {
        let is_ended = matches!(self, Self::Ended | Self::SeveralEnded);
        is_ended || matches!(self, Self::Started | Self::SeveralStarted)
    }
}

/// The events, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// Another member joins.
    Comes,
    /// The first member leaves.
    Leaves,
    /// The newest member leaves.
    LastLeaves,
    /// The first member gives its message.
    Gives,
}

const COURSES: [&[Event]; 10] = [
    &[],
    &[Event::Comes],
    &[Event::Leaves],
    &[Event::Leaves, Event::Comes],
    &[Event::Comes, Event::Leaves],
    &[Event::Comes, Event::LastLeaves],
    &[Event::Comes, Event::Leaves, Event::LastLeaves, Event::Comes],
    &[Event::Leaves, Event::Comes, Event::Comes],
    &[Event::Gives, Event::Leaves, Event::Comes],
    &[Event::Gives, Event::Comes, Event::Leaves, Event::Comes],
];

struct Play {
    kind: Kind,
    sharing: Sharing<Script>,
    destination: Script,
    demand: Demand,
    copies: Copies,
    /// The tokens of members that are still to come.
    tokens: Vec<MessageToken>,
    /// A reference to the group, held even if its members have left meanwhile.
    found: Option<Arc<Group>>,
    legs: Vec<Leg>,
    come: usize,
}

fn host() -> HostPort {
    "mx.example:25".parse().expect("it is one")
}

impl Play {
    fn new(kind: Kind) -> Self {
        let mut destination = Script::new().message(Answer::After(LATE, Reply::message_accepted()));
        for late in ["late1@y", "late2@y"] {
            destination = destination.rcpt(late, Answer::After(LATE, Reply::recipient_ok()));
        }
        for no in ["no1@y", "no2@y"] {
            destination = destination.rcpt(no, Reply::no_such_user());
        }
        let demand = Demand::new(Some(Destination::of_operator([host()]).into()));
        let sharing = Sharing::new(destination.clone())
            .with_recipients_max(2)
            .with_demand(demand.clone());
        let copies = kind.copies();
        Self {
            kind,
            tokens: (0..4).map(|_| copies.token()).collect(),
            sharing,
            destination,
            demand,
            copies,
            found: None,
            legs: Vec::new(),
            come: 0,
        }
    }

    /// A transaction of another member.
    async fn comes(&mut self, to: &[&str]) {
        let token = self.tokens.pop().expect("there are enough");
        let leg = Leg::start(self.kind, &self.sharing, token, to).await;
        self.legs.push(leg);
        self.come += 1;
        self.pass(Duration::from_millis(1)).await;
    }

    /// Lets all run for that long.
    async fn pass(&mut self, time: Duration) {
        let legs = self.legs.iter_mut();
        let all = join_all(legs.map(Leg::progress));
        let _ = timeout(time, all).await;
        // Members that have ended wait for nothing.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// Brings the first member's group into that state.
    async fn enter(&mut self, state: State) -> Option<Wanted> {
        let kept = self.tokens[0].of_all();
        self.comes(state.recipients()).await;
        self.found = { kept.meetings() }
            .find(|_: &Arc<Group>| Some(()))
            .map(|(group, ())| group);
        let wanted = state
            .is_parked()
            .then(|| self.demand.want(&host(), &Holdings::default()));
        if state.is_parked() {
            self.pass(Duration::from_secs(11)).await;
        }
        match state {
            State::InVain => self.legs[0].data(),
            State::Waiting => self.legs[0].give(),
            _ if state.is_started() => {
                self.copies.close();
                self.legs[0].give();
                self.pass(Duration::from_secs(1)).await;
            }
            _ => {}
        }
        if matches!(state, State::Ended | State::SeveralEnded) {
            self.pass(2 * LATE).await;
            assert!(self.legs[0].has_ended(), "{state:?}");
        }
        self.pass(Duration::from_millis(1)).await;
        wanted
    }

    async fn happens(&mut self, event: Event) {
        match event {
            Event::Comes => {
                let to: &[&str] = match self.come {
                    1 => &["n1@y"],
                    2 => &["n2@y", "late2@y"],
                    _ => &["n3@y"],
                };
                self.comes(to).await;
            }
            Event::Leaves => drop(self.legs.remove(0)),
            Event::LastLeaves => drop(self.legs.pop()),
            Event::Gives => {
                self.legs[0].give();
                self.pass(Duration::from_millis(1)).await;
            }
        }
    }

    /// Lets all that stay end. Returns the recipients that must have the message, or what is wrong.
    async fn end(&mut self) -> Result<Vec<String>, String> {
        self.copies.close();
        self.tokens.clear();
        let ends = self.legs.iter_mut().map(Leg::end);
        let ends = timeout(LONG, join_all(ends)).await;
        let ends = ends.map_err(|_| "somebody waits for ever".to_owned())?;
        let all: Result<Vec<_>, _> = ends.into_iter().collect();
        let mut all = all?.concat();
        all.sort_unstable();
        Ok(all)
    }

    /// The recipients that got the message, except those that were refused.
    fn had(&self) -> Vec<String> {
        let received = self.destination.received().into_iter();
        let whole = received.filter(|received| received.body == MESSAGE);
        let mut had: Vec<_> = whole
            .flat_map(|received| received.recipients)
            .map(|rcpt| rcpt.forward_path.as_str().to_owned())
            .collect();
        had.sort_unstable();
        had
    }
}

/// The failures with members of that kind.
async fn whatever_happens(kind: Kind) -> Vec<String> {
    let mut wrong = Vec::new();
    for state in STATES {
        for course in COURSES {
            let mut play = Play::new(kind);
            drop(play.enter(state).await);
            for event in course {
                play.happens(*event).await;
            }
            let must = play.end().await;
            let mut had = play.had();
            if let Ok(must) = &must
                && state.is_started()
            {
                // A member that leaves at that moment may have it nevertheless.
                had.retain(|to| must.contains(to) || !state.recipients().contains(&to.as_str()));
            }
            if must.as_ref() != Ok(&had) {
                wrong.push(format!("{state:?}, {course:?}: {must:?}, had {had:?}"));
            }
        }
    }
    wrong
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_in_whatever_state_nobody_waits_for_ever() {
    for kind in Kind::ALL {
        let wrong = whatever_happens(kind).await;
        assert!(wrong.is_empty(), "{kind:?}: {wrong:#?}");
    }
}
