//! What happens in a simulation, derived from a seed.

mod describe;
mod extras;
mod generate;
mod lists;
mod operators;
mod parts;
mod replicas;

use std::time::Duration;

use koukan_core::test_util::Faults;

pub(crate) use self::lists::{Lists, members};
pub use self::operators::{OperatorPlan, Order};
pub use self::parts::{
    ClientPlan, DestinationPlan, End, EndKind, Letter, ListenerKind, MessagePlan, Mood, Point,
    Quirk, RestPlan, To, Upload,
};
pub use self::replicas::ReplicaPlan;

/// Everything that is planned. All else follows from the seed.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed of the plan. Actors draw their other decisions from it.
    pub seed: u64,
    /// The destination servers by number: `d0.test` and so on. One more server receives notifications; it is
    /// always healthy.
    pub destinations: Vec<DestinationPlan>,
    /// How the durable storage behaves.
    pub faults: Faults,
    /// When the agent's process ends; another is started at once.
    pub ends: Vec<End>,
    /// The processes that work on one store at the same time. Where the list is empty, there is one process
    /// with a store of its own.
    pub replicas: Vec<ReplicaPlan>,
    /// When every fault of destinations ends.
    pub healed: Duration,
    /// How many queued transactions are attempted at a time, and how many transactions REST clients may watch.
    pub max_in_flight: usize,
    /// Whether a reader reads all events.
    pub subscribes: bool,
    /// Whether addresses that were found to be bad are suppressed.
    pub suppresses: bool,
    /// Whether the listeners for other servers and for users store a copy of each message for an archive.
    pub archives: bool,
    /// Whether queued mail is attempted through an Exploder, whose legs are queued again if they fail.
    pub divides: bool,
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
    /// Connects by SMTP and sends messages.
    Smtp(ClientPlan),
    /// Sends a message by REST.
    Rest(RestPlan),
    /// Sends messages to several recipients, by one REST request each.
    Message(MessagePlan),
    /// An operator changes queued mail.
    Operator(OperatorPlan),
}

impl Plan {
    /// The same plan without everything after its first `steps` steps.
    #[must_use]
    pub fn prefix(&self, steps: usize) -> Self {
        let mut plan = self.clone();
        plan.steps.truncate(steps);
        plan
    }

    /// Whether nothing ever goes wrong with this destination.
    pub(crate) fn is_healthy(&self, destination: u8) -> bool {
        let plan = self.destinations.get(usize::from(destination));
        plan.is_some_and(|plan| plan.mood == Mood::Healthy)
    }

    /// Whether no process is told to stop before the end.
    pub(crate) fn is_never_stopped(&self) -> bool {
        self.ends.iter().all(|end| end.kind == EndKind::Killed)
    }
}
