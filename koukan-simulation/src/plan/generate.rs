//! Makes a plan from a seed.

use std::time::Duration;

use koukan_core::test_util::{Faults, SeededRandom, Trouble, TroubleKind};

use super::{
    ClientPlan, DestinationPlan, Doing, End, EndKind, Letter, ListenerKind, Mood, Plan, Point,
    Quirk, RestPlan, Step, To, Upload,
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// The period in which clients begin.
const SPAN: Duration = Duration::from_secs(20 * 60);

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64) -> Self {
        let random = SeededRandom::new(seed);
        let count = 1 + random.below(3);
        let destinations: Vec<_> = (0..count).map(|_| destination(&random)).collect();
        let mut generator = Generator {
            random: &random,
            destinations: u8::try_from(count).expect("there are few"),
            next_letter: 1,
        };
        let mut steps: Vec<_> = (0..1 + random.below(4)).map(|_| generator.step()).collect();
        if random.happens(150) {
            steps.extend(generator.burst());
        }
        steps.sort_by_key(|step| step.at);
        let plan = Self {
            seed,
            destinations,
            faults: faults(&random),
            ends: ends(&random),
            replicas: Vec::new(),
            healed: SPAN + random.duration(SECOND..=30 * MINUTE),
            max_in_flight: *random.pick(&[1, 2, 8, 200, 200]),
            subscribes: false,
            suppresses: false,
            archives: false,
            divides: false,
            steps,
        };
        plan.with_extras()
    }
}

fn destination(random: &SeededRandom) -> DestinationPlan {
    let mood = match random.below(20) {
        0..8 => Mood::Healthy,
        8..10 => Mood::Refusing,
        10..13 => Mood::Hanging,
        13 => Mood::Busy,
        _ => Mood::Flaky(*random.pick(&[30, 100, 300])),
    };
    DestinationPlan {
        pipelining: random.happens(700),
        chunking: random.happens(500),
        mood,
        latency: *random.pick(&[Duration::ZERO, Duration::from_millis(50), 2 * SECOND]),
    }
}

fn faults(random: &SeededRandom) -> Faults {
    let mut trouble = Vec::new();
    if random.happens(300) {
        let kinds = [
            TroubleKind::Full,
            TroubleKind::Failed,
            TroubleKind::AnswerLost,
            TroubleKind::AnswerLost,
            TroubleKind::Slow,
        ];
        // Often while most is going on.
        let start = match random.below(3) {
            0 => Duration::ZERO,
            1 => MINUTE,
            _ => random.duration(Duration::ZERO..=SPAN),
        };
        trouble.push(Trouble {
            during: start..start + random.duration(SECOND..=10 * MINUTE),
            kind: *random.pick(&kinds),
            per_mille: *random.pick(&[100, 500, 1000]),
        });
    }
    Faults {
        latency: *random.pick(&[Duration::ZERO, Duration::from_millis(2), SECOND]),
        trouble,
        ..Faults::default()
    }
}

fn ends(random: &SeededRandom) -> Vec<End> {
    let count = if random.happens(350) {
        1 + random.below(3)
    } else {
        0
    };
    let mut ends: Vec<_> = (0..count)
        .map(|_| End {
            // Often while most is going on.
            at: if random.happens(500) {
                random.duration(SECOND..=2 * MINUTE)
            } else {
                random.duration(SECOND..=SPAN + 10 * MINUTE)
            },
            kind: *random.pick(&[EndKind::Killed, EndKind::Killed, EndKind::Stopped]),
        })
        .collect();
    ends.sort();
    ends
}

pub(super) struct Generator<'a> {
    pub(super) random: &'a SeededRandom,
    pub(super) destinations: u8,
    pub(super) next_letter: u32,
}

impl Generator<'_> {
    fn step(&mut self) -> Step {
        // Often at the same time as others.
        let at = match self.random.below(3) {
            0 => Duration::ZERO,
            1 => MINUTE + self.random.duration(Duration::ZERO..=SECOND),
            _ => self.random.duration(Duration::ZERO..=SPAN),
        };
        let doing = if self.random.happens(650) {
            Doing::Smtp(self.client())
        } else {
            Doing::Rest(self.rest())
        };
        Step { at, doing }
    }

    /// Many clients that send at the same time.
    fn burst(&mut self) -> Vec<Step> {
        let many = 3 + self.random.below(4);
        let at = *self.random.pick(&[Duration::ZERO, MINUTE, 5 * MINUTE]);
        let rest = (0..many).map(|_| Step {
            at,
            doing: Doing::Rest(self.rest()),
        });
        rest.collect()
    }

    fn client(&mut self) -> ClientPlan {
        let random = self.random;
        let listener = *random.pick(&[
            ListenerKind::Ingress,
            ListenerKind::Submission,
            ListenerKind::Gateway,
        ]);
        let letters = (0..1 + random.below(2))
            .map(|_| self.letter(&[1, 1, 2, 3, 5]))
            .collect();
        let points = [Point::Mail, Point::Rcpt, Point::Message, Point::End];
        let quirk = match random.below(10) {
            0 => Quirk::Vanishes(*random.pick(&points)),
            1 => Quirk::Stalls(*random.pick(&points), random.duration(SECOND..=10 * MINUTE)),
            2 => Quirk::HalfCloses,
            3 => Quirk::Resets,
            _ => Quirk::None,
        };
        ClientPlan {
            listener,
            letters,
            pipelined: random.happens(500),
            quirk,
            again: random
                .happens(400)
                .then(|| random.duration(SECOND..=5 * MINUTE)),
        }
    }

    fn rest(&mut self) -> RestPlan {
        let random = self.random;
        let upload = match random.below(10) {
            0..5 => Upload::Inline,
            5..9 => {
                let pause = *random.pick(&[Duration::ZERO, SECOND, MINUTE]);
                Upload::Pieces(1 + u8::try_from(random.below(3)).unwrap_or(0), pause)
            }
            _ => Upload::Broken,
        };
        RestPlan {
            letter: self.letter(&[1]),
            upload,
            wait: random.happens(500).then_some(20 * SECOND),
            cancelled: self.sometimes(200, 2 * MINUTE),
            watched: random
                .happens(400)
                .then(|| *random.pick(&[Duration::ZERO, 10 * SECOND, 2 * MINUTE])),
            repeated: self.sometimes(200, 2 * MINUTE),
            lists: random.happens(200),
            vanishes: self.sometimes(100, MINUTE),
            send_at: None,
        }
    }

    /// A duration of at most `most`, in `per_mille` of a thousand cases.
    fn sometimes(&self, per_mille: u64, most: Duration) -> Option<Duration> {
        let happens = self.random.happens(per_mille);
        // Some durations are zero.
        let shortest = *self.random.pick(&[Duration::ZERO, most / 10, most]);
        happens.then(|| self.random.duration(Duration::ZERO..=shortest))
    }

    /// A message whose number of recipients is drawn from these.
    pub(super) fn letter(&mut self, recipients: &[u8]) -> Letter {
        let number = self.next_letter;
        self.next_letter += 1;
        let recipients = *self.random.pick(recipients);
        let to = (0..recipients).map(|index| To {
            index,
            destination: u8::try_from(self.random.below(self.destinations.into()))
                .expect("there are few"),
            exists: self.random.happens(850),
        });
        Letter {
            number,
            to: to.collect(),
            is_list: false,
            size: *self.random.pick(&[0, 300, 3_000]),
        }
    }
}
