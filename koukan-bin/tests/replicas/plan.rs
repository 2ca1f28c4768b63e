//! The troubles, and when they come.

use std::time::Duration;

use crate::choices::Choices;

pub(crate) const ROUTERS: usize = 3;
pub(crate) const GATEWAYS: usize = 2;
/// How long a session lives if it is not refreshed.
pub(crate) const TERM: Duration = Duration::from_secs(4);

/// The part that is in trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Whom {
    Router(usize),
    Gateway(usize),
    Database,
}

/// The kind of the trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// SIGKILL; the process is started again after that time.
    Kill(Duration),
    /// SIGSTOP, and SIGCONT after that time.
    Stop(Duration),
    /// Nothing reaches the database or comes from it. After that time, everything arrives that was
    /// sent meanwhile.
    Silence(Duration),
    /// Connections to the database are closed, old and new ones, for that time.
    Cut(Duration),
    /// SIGTERM; the process is started again when it has ended.
    Drain,
    /// The server crashes, and is started again after that time.
    Restart(Duration),
    /// The server crashes finally, and its standby is promoted after that time.
    FailOver(Duration),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Trouble {
    /// The time since the trouble before has begun.
    pub(crate) pause: Duration,
    pub(crate) whom: Whom,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) struct Plan(pub(crate) Vec<Trouble>);

impl Plan {
    /// Troubles for about that time; the same seed gives the same ones.
    pub(crate) fn of(seed: u64, lasting: Duration) -> Self {
        let mut choices = Choices::new(seed, "replicas", 0_u32);
        let (mut time, mut troubles) = (Duration::ZERO, Vec::new());
        let mut for_the_database = [
            (
                lasting * 2 / 3,
                What::FailOver(Duration::from_millis(choices.between(0, 1500) as u64)),
            ),
            (
                lasting / 3,
                What::Restart(Duration::from_millis(choices.between(0, 1500) as u64)),
            ),
        ]
        .to_vec();
        while time < lasting {
            let pause = millis(&mut choices, 800, 3000);
            time += pause;
            let (whom, what) = match for_the_database.last() {
                Some((at, what)) if *at <= time => {
                    let what = *what;
                    for_the_database.pop();
                    (Whom::Database, what)
                }
                _ => choose(&mut choices),
            };
            troubles.push(Trouble { pause, whom, what });
        }
        Self(troubles)
    }
}

fn choose(choices: &mut Choices) -> (Whom, What) {
    let whom = match choices.one_in(4) {
        true => Whom::Gateway(choices.between(0, GATEWAYS - 1)),
        false => Whom::Router(choices.between(0, ROUTERS - 1)),
    };
    let term = TERM.as_millis() as usize;
    let what = match (whom, choices.between(0, 7)) {
        (_, 0 | 1) => What::Kill(millis(choices, 0, 1500)),
        (_, 2 | 3) => What::Stop(millis(choices, term * 5 / 4, term * 7 / 4)),
        (Whom::Router(_), 4) => What::Silence(millis(choices, term / 4, term * 7 / 4)),
        (Whom::Router(_), 5) => What::Cut(millis(choices, term / 4, term * 7 / 4)),
        _ => What::Drain,
    };
    (whom, what)
}

fn millis(choices: &mut Choices, least: usize, most: usize) -> Duration {
    Duration::from_millis(choices.between(least, most) as u64)
}

#[test]
fn a_seed_says_what_befalls_whom() {
    let lasting = Duration::from_secs(60);
    let [one, again, other] = [1, 1, 2].map(|seed| format!("{:?}", Plan::of(seed, lasting)));
    assert_eq!(one, again);
    assert_ne!(one, other);
    for seed in 0..20 {
        let plan = Plan::of(seed, lasting).0;
        let count = |is_it: fn(&What) -> bool| plan.iter().filter(|it| is_it(&it.what)).count();
        assert_eq!(count(|what| matches!(what, What::Restart(_))), 1);
        assert_eq!(count(|what| matches!(what, What::FailOver(_))), 1);
        assert!(plan.len() >= 20, "{plan:?}");
    }
}
