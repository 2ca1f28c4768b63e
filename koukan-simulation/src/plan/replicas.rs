//! Several processes over one store.

use std::{ops::Range, time::Duration};

use jiff::SignedDuration;
use koukan_core::test_util::{Faults, SeededRandom, Trouble, TroubleKind};

use super::Plan;

/// Separates these random numbers from those of the rest of a plan.
const REPLICAS: u64 = 0x7265_706c;

/// The longest time for which a process is cut off.
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// The latest time at which a process is cut off.
const SPAN: Duration = Duration::from_secs(15 * 60);

/// One of several processes that work on one store.
#[derive(Debug, Clone, Default)]
pub struct ReplicaPlan {
    /// How far its clock is ahead of the store's.
    pub ahead: SignedDuration,
    /// When it is cut off from the store.
    pub cuts: Vec<Range<Duration>>,
}

impl Plan {
    /// The same plan for two or three processes. Their clocks differ, and each is cut off from the store at
    /// times.
    #[must_use]
    pub fn with_replicas(mut self) -> Self {
        let random = SeededRandom::new(self.seed ^ REPLICAS);
        let replicas = (0..2 + random.below(2)).map(|_| replica(&random));
        self.replicas = replicas.collect();
        self
    }

    /// Whether storage never fails.
    pub(crate) fn is_durable(&self) -> bool {
        let is_cut_off = |replica: &ReplicaPlan| !replica.cuts.is_empty();
        self.faults.trouble.is_empty() && !self.replicas.iter().any(is_cut_off)
    }

    /// How storage behaves towards this process.
    pub(crate) fn faults_of(&self, replica: usize) -> Faults {
        let mut faults = self.faults.clone();
        let cuts = self.replicas.get(replica).map(|replica| &replica.cuts[..]);
        let cuts = cuts.unwrap_or_default().iter();
        faults.trouble.extend(cuts.map(|during| Trouble {
            during: during.clone(),
            kind: TroubleKind::CutOff,
            per_mille: 1000,
        }));
        faults
    }

    /// How far the clock of this process is ahead.
    pub(crate) fn ahead_of(&self, replica: usize) -> SignedDuration {
        let replica = self.replicas.get(replica);
        replica.map(|replica| replica.ahead).unwrap_or_default()
    }
}

fn replica(random: &SeededRandom) -> ReplicaPlan {
    let hours = *random.pick(&[-1, 0, 1]);
    let cuts = (0..random.below(4)).map(|_| {
        // Often while most is going on, and often about as long as a session lives.
        let start = match random.below(2) {
            0 => random.duration(Duration::ZERO..=Duration::from_secs(90)),
            _ => random.duration(Duration::ZERO..=SPAN),
        };
        let longest = *random.pick(&[Duration::from_secs(90), LONGEST]);
        start..start + random.duration(Duration::from_millis(100)..=longest)
    });
    ReplicaPlan {
        ahead: SignedDuration::from_hours(hours),
        cuts: cuts.collect(),
    }
}
