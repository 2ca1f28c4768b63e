//! Runs a plan from its beginning to its end.

mod epoch;

use std::{fmt, sync::Arc};

use koukan_core::{
    service::BoxMailLayer,
    test_util::{Defect, SeededIdentities, Trouble, TroubleKind},
};
use tokio::runtime::{Builder, Runtime};

use super::{
    check,
    disk::{Disk, Disks, Memory},
    fault::Fault,
    known::Known,
    plan::{EndKind, Plan},
    shrink::{Failure, shrink},
    world::{AGENT, World},
};

use self::epoch::Epoch;

/// Runs plans, each in the calling thread.
///
/// # Example
///
/// ```
/// use koukan_simulation::Simulation;
///
/// let outcome = Simulation::new().run_seed(1).unwrap_or_else(|failure| panic!("{failure}"));
/// assert!(outcome.events > 0);
/// ```
#[derive(Clone, Default)]
pub struct Simulation {
    filter: Option<BoxMailLayer>,
    disks: Option<Disks>,
    defect: Option<Defect>,
    fault: Option<Fault>,
    insists: Option<Known>,
    has_replicas: bool,
}

/// The result of a simulation without violations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// How many things happened; most are lines that were sent or received.
    pub events: u64,
    /// How often sessions and the dispatcher of the agent were polled.
    pub polls: u64,
    /// Recipients that a message was delivered to.
    pub delivered: usize,
    /// Recipients that a notification told of.
    pub reported: usize,
    /// A hash of the times at which something happened: equal for equal seeds.
    pub fingerprint: u64,
}

impl Simulation {
    /// Simulations of the unchanged agent.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a filter before the endpoint of each leg.
    #[must_use]
    pub fn with_filter(mut self, filter: BoxMailLayer) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Keeps durable data on disks made by `disks`, one for each simulation.
    ///
    /// On a [real](Disk::is_real) disk the same seed gives the same plan, but the order of events
    /// may differ.
    #[must_use]
    pub fn with_disks(mut self, disks: Disks) -> Self {
        self.disks = Some(disks);
        self
    }

    /// No longer ignores this known fault.
    #[must_use]
    pub fn insisting_on(mut self, known: Known) -> Self {
        self.insists = Some(known);
        self
    }

    /// Puts a defect into storage.
    #[must_use]
    pub fn with_defect(mut self, defect: Defect) -> Self {
        self.defect = Some(defect);
        self
    }

    /// Puts a fault into the surroundings of the agent.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// Lets [several processes](Plan::with_replicas) work on one store in memory.
    #[must_use]
    pub fn with_replicas(mut self) -> Self {
        self.has_replicas = true;
        self
    }

    fn plan_of(&self, seed: u64) -> Plan {
        let plan = Plan::of(seed);
        match self.has_replicas {
            true => plan.with_replicas(),
            false => plan,
        }
    }

    /// Runs the plan of a seed.
    ///
    /// # Errors
    ///
    /// [`Failure`], with the shortest failing prefix of the plan, and its story.
    pub fn run_seed(&self, seed: u64) -> Result<Outcome, Box<Failure>> {
        self.run(&self.plan_of(seed))
    }

    /// Runs the plan of a seed. Returns the violations of rules; none if all is well.
    pub fn violations(&self, seed: u64) -> Vec<String> {
        let world = self.live(&self.plan_of(seed), false);
        std::mem::take(&mut world.ledger().violations)
    }

    /// Runs a plan.
    ///
    /// # Errors
    ///
    /// As [`Simulation::run_seed`].
    pub fn run(&self, plan: &Plan) -> Result<Outcome, Box<Failure>> {
        let world = self.live(plan, false);
        let outcome = outcome(&world);
        let violations = world.ledger().violations.clone();
        if violations.is_empty() {
            Ok(outcome)
        } else {
            Err(Box::new(shrink(self, plan, violations)))
        }
    }

    /// Runs a plan. Returns the world at its end.
    pub(crate) fn live(&self, plan: &Plan, tells: bool) -> Arc<World> {
        let plan = self.wronged(plan);
        let _identities = SeededIdentities::of(plan.seed);
        let world = World::new(plan, self.insists, tells);
        let disk: Box<dyn Disk> = match &self.disks {
            Some(disks) => disks(),
            None => Box::new(Memory::new(&world)),
        };
        let ends = world.plan.ends.clone();
        for (number, end) in ends.into_iter().map(Some).chain([None]).enumerate() {
            let since = world.elapsed();
            if end.is_some_and(|end| end.at <= since) {
                continue;
            }
            let epoch = Epoch {
                number: number as u64,
                world: Arc::clone(&world),
                since,
                end,
                filter: self.filter.clone(),
                fault: self.fault,
            };
            let runtime = runtime();
            runtime.block_on(epoch.live(&*disk));
            // Dropping the runtime drops everything that the process was about to do.
            drop(runtime);
            if let Some(end) = end {
                let at = world.elapsed();
                world.ledger().ends.push(at);
                world.tell(AGENT, || match end.kind {
                    EndKind::Killed => "is killed".into(),
                    EndKind::Stopped => "has stopped".into(),
                });
            }
        }
        check::accounts(&world);
        world
    }

    /// The plan with the deliberate faults.
    fn wronged(&self, plan: &Plan) -> Plan {
        let mut plan = plan.clone();
        plan.faults.defect = self.defect;
        if self.disks.is_some() {
            // These faults assume a single process.
            plan.replicas.clear();
        }
        if self.insists == Some(Known::LeaseUnheard) {
            let trouble = plan.faults.trouble.iter();
            let lost = trouble.filter(|trouble| trouble.kind == TroubleKind::AnswerLost);
            let unheard: Vec<_> = lost
                .map(|trouble| Trouble {
                    kind: TroubleKind::LeaseUnheard,
                    ..trouble.clone()
                })
                .collect();
            plan.faults.trouble.extend(unheard);
        }
        plan
    }
}

/// A runtime of one thread, whose clock advances as soon as no task is ready.
fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime needs no more than memory")
}

fn outcome(world: &World) -> Outcome {
    let ledger = world.ledger();
    Outcome {
        events: ledger.events,
        polls: ledger.polls,
        delivered: ledger.deliveries.len(),
        reported: ledger.reports.len(),
        fingerprint: ledger.fingerprint,
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("defect", &self.defect)
            .field("fault", &self.fault)
            .field("insists", &self.insists)
            .finish_non_exhaustive()
    }
}
