//! What happens in a simulation, as a seed says.

mod describe;
mod extras;
mod generate;
mod operators;
mod parts;
mod replicas;

use std::time::Duration;

use koukan_core::test_util::Faults;

pub use self::operators::{OperatorPlan, Order};
pub use self::parts::{
    ClientPlan, DestinationPlan, End, EndKind, Letter, ListenerKind, MessagePlan, Mood, Point,
    Quirk, RestPlan, To, Upload,
};
pub use self::replicas::ReplicaPlan;

/// All that is to happen. What is not said here follows from the seed.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What it was made of; actors draw from it what else they do.
    pub seed: u64,
    /// The servers that mail is delivered to, by number: `d0.test` and so on. Notifications go to
    /// one more, which is always well.
    pub destinations: Vec<DestinationPlan>,
    /// How the durable storage behaves.
    pub faults: Faults,
    /// When the process of the agent ends, and another is started at once.
    pub ends: Vec<End>,
    /// The processes that work on one store at the same time; where there is none, one does, on a store of its
    /// own.
    pub replicas: Vec<ReplicaPlan>,
    /// When all that is wrong with destinations ends.
    pub healed: Duration,
    /// Queued transactions that are attempted at a time, and those that REST clients watch.
    pub max_in_flight: usize,
    /// Whether somebody reads all events, from the first to the last.
    pub subscribes: bool,
    /// Whether addresses that were found to be bad are sent nothing from then on.
    pub suppresses: bool,
    /// What clients do, in order of time.
    pub steps: Vec<Step>,
}

/// Something that begins at a time.
#[derive(Debug, Clone)]
pub struct Step {
    /// When.
    pub at: Duration,
    /// What.
    pub doing: Doing,
}

/// What a client does.
#[derive(Debug, Clone)]
pub enum Doing {
    /// It connects by SMTP and sends messages.
    Smtp(ClientPlan),
    /// It sends a message by REST.
    Rest(RestPlan),
    /// It sends messages to several by one REST request each.
    Message(MessagePlan),
    /// Somebody who operates the agent changes what is queued.
    Operator(OperatorPlan),
}

impl Plan {
    /// The same without what happens after the first `steps` steps.
    #[must_use]
    pub fn prefix(&self, steps: usize) -> Self {
        let mut plan = self.clone();
        plan.steps.truncate(steps);
        plan
    }

    /// Whether nothing is ever wrong with a destination.
    pub(crate) fn is_healthy(&self, destination: u8) -> bool {
        let plan = self.destinations.get(usize::from(destination));
        plan.is_some_and(|plan| plan.mood == Mood::Healthy)
    }

    /// Whether no process is told to stop before the end.
    pub(crate) fn is_never_stopped(&self) -> bool {
        self.ends.iter().all(|end| end.kind == EndKind::Killed)
    }
}
