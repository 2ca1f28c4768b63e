//! Additional parts of some plans: operators, messages to several recipients by one request, times of delivery, a
//! reader of events, suppressed addresses, lists, an archive, an exploder for queued mail.

use std::time::Duration;

use koukan_core::test_util::SeededRandom;

use super::{Doing, MessagePlan, OperatorPlan, Order, Plan, Step, generate::Generator};

/// Separates these random numbers from those of the rest of a plan.
const EXTRAS: u64 = 0x6578_7472;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// The latest time at which an additional part does something.
const SPAN: Duration = Duration::from_secs(25 * 60);

impl Plan {
    pub(super) fn with_extras(mut self) -> Self {
        let random = &SeededRandom::new(self.seed ^ EXTRAS);
        self.subscribes = random.happens(300);
        self.suppresses = random.happens(300);
        for step in &mut self.steps {
            if let Doing::Rest(rest) = &mut step.doing
                && random.happens(200)
            {
                rest.send_at = Some(step.at + random.duration(SECOND..=30 * MINUTE));
            }
        }
        if random.happens(300) {
            self.add_messages(random);
        }
        if random.happens(350) {
            self.add_operators(random);
        }
        self.archives = random.happens(250);
        for step in &mut self.steps {
            if let Doing::Smtp(client) = &mut step.doing {
                for letter in &mut client.letters {
                    letter.is_list = letter.to.len() > 1 && random.happens(300);
                }
            }
        }
        self.divides = random.happens(300);
        self.steps.sort_by_key(|step| step.at);
        self
    }

    fn add_messages(&mut self, random: &SeededRandom) {
        let mut generator = Generator {
            random,
            destinations: u8::try_from(self.destinations.len()).expect("there are few"),
            next_letter: self.letters() + 1,
        };
        for _ in 0..1 + random.below(2) {
            let letters = (0..1 + random.below(3)).map(|_| generator.letter(&[1, 2, 3, 5]));
            let plan = MessagePlan {
                letters: letters.collect(),
                wait: random.happens(500).then_some(20 * SECOND),
                cancelled: random
                    .happens(200)
                    .then(|| random.duration(Duration::ZERO..=MINUTE)),
                repeated: random
                    .happens(300)
                    .then(|| random.duration(Duration::ZERO..=MINUTE)),
            };
            let at = at(random);
            let doing = Doing::Message(plan);
            self.steps.push(Step { at, doing });
        }
    }

    fn add_operators(&mut self, random: &SeededRandom) {
        let orders = [
            Order::Retry,
            Order::Retry,
            Order::Hold,
            Order::Suspend,
            Order::Cancel,
            Order::Bounce,
        ];
        for number in 1..=1 + random.below(3) {
            let order = *random.pick(&orders);
            let of_all = random.happens(300) && order != Order::Suspend;
            let destination = random.below(self.destinations.len() as u64);
            let plan = OperatorPlan {
                number: u32::try_from(number).expect("there are few"),
                order,
                destination: (!of_all).then(|| u8::try_from(destination).expect("there are few")),
                resumed: random.duration(SECOND..=15 * MINUTE),
            };
            let at = at(random);
            let doing = Doing::Operator(plan);
            self.steps.push(Step { at, doing });
        }
    }

    /// The number of messages so far.
    fn letters(&self) -> u32 {
        let numbers = self.steps.iter().flat_map(|step| match &step.doing {
            Doing::Smtp(client) => client.letters.iter().map(|letter| letter.number).collect(),
            Doing::Rest(rest) => vec![rest.letter.number],
            Doing::Message(_) | Doing::Operator(_) => Vec::new(),
        });
        numbers.max().unwrap_or_default()
    }
}

/// When it begins: often while most is going on.
fn at(random: &SeededRandom) -> Duration {
    match random.below(3) {
        0 => random.duration(Duration::ZERO..=10 * SECOND),
        1 => MINUTE + random.duration(Duration::ZERO..=MINUTE),
        _ => random.duration(Duration::ZERO..=SPAN),
    }
}
