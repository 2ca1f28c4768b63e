//! Two or three processes over one store. Their clocks differ, and each is cut off from the store at times.

use koukan_core::test_util::Defect;
use koukan_simulation::{Plan, Simulation};

use super::{found, until};

/// How many plans are run.
const SEEDS: u64 = 60;

#[test]
fn nothing_is_lost_stuck_or_doubled_but_what_was_in_flight_at_a_cut() {
    let simulation = Simulation::new().with_replicas();
    let is_found = until(&simulation, 0..SEEDS, |seed, _| {
        let failure = simulation.run_seed(seed).err();
        println!("{}", failure.expect("what has failed fails again"));
        true
    });
    assert!(!is_found, "the story is above");
}

/// Another process delivers a draft that was completed here while it was attempted.
#[test]
fn nothing_is_held_of_a_draft_that_others_have_delivered() {
    let run = Simulation::new().with_replicas().run_seed(199);
    assert!(run.is_ok(), "{}", run.unwrap_err());
}

#[test]
fn a_seed_repeats() {
    for seed in 0..8 {
        let run = || {
            let outcome = Simulation::new().with_replicas().run_seed(seed);
            outcome.map_err(|failure| failure.to_string())
        };
        assert!(run() == run(), "seed {seed}");
    }
}

#[test]
fn a_write_of_a_dead_session_that_goes_through_is_found() {
    let forgotten = Simulation::new().with_defect(Defect::FenceForgotten);
    found(&forgotten.with_replicas(), "gets message");
}

#[test]
fn plans_have_what_they_are_to_show() {
    let plans = (0..SEEDS).map(|seed| Plan::of(seed).with_replicas());
    let plans: Vec<_> = plans.collect();
    for count in [2, 3] {
        assert!(plans.iter().any(|plan| plan.replicas.len() == count));
    }
    let hours = |plan: &Plan| {
        let ahead = plan.replicas.iter().map(|replica| replica.ahead.as_hours());
        ahead.collect::<std::collections::BTreeSet<_>>().len()
    };
    assert!(plans.iter().any(|plan| hours(plan) > 1));
    let cuts = plans.iter().flat_map(|plan| &plan.replicas);
    assert!(cuts.flat_map(|replica| &replica.cuts).count() > 40);
}
