//! Many seeds, none of which may fail.

use std::env;

use koukan_simulation::{Doing, Order, Plan, Simulation};

use super::until;

/// How many plans are run, unless `KOUKAN_SIMULATION_SEEDS` says otherwise, as `scripts/test` does.
const SEEDS: u64 = 1_000;

/// The first seed, unless `KOUKAN_SIMULATION_FIRST` says otherwise.
const FIRST: u64 = 0;

fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

#[test]
fn nothing_is_lost_doubled_held_or_stuck() {
    let first = number("KOUKAN_SIMULATION_FIRST", FIRST);
    let seeds = first..first + number("KOUKAN_SIMULATION_SEEDS", SEEDS);
    let simulation = Simulation::new();
    let is_found = until(&simulation, seeds, |seed, _| {
        let failure = simulation.run_seed(seed).err();
        println!("{}", failure.expect("what has failed fails again"));
        true
    });
    assert!(!is_found, "the story is above");
}

/// A seed for which the ledger itself was wrong: a server sent nonsense in the middle of pipelined replies.
#[test]
fn who_hears_nonsense_does_not_hear_that_a_message_was_taken() {
    Simulation::new().run_seed(13_199).unwrap();
}

#[test]
fn a_seed_repeats() {
    for seed in 0..50 {
        let run = || {
            let outcome = Simulation::new().run_seed(seed);
            outcome.map_err(|failure| failure.to_string())
        };
        assert!(run() == run(), "seed {seed}");
    }
}

#[test]
fn plans_have_what_they_are_to_show() {
    let plans: Vec<_> = (0..200).map(Plan::of).collect();
    assert!(plans.iter().any(|plan| plan.subscribes && plan.suppresses));
    let doings = || {
        plans
            .iter()
            .flat_map(|plan| &plan.steps)
            .map(|step| &step.doing)
    };
    let later = |doing: &&Doing| matches!(doing, Doing::Rest(rest) if rest.send_at.is_some());
    assert!(doings().filter(later).count() > 10);
    let is_list = |doing: &&Doing| match doing {
        Doing::Smtp(client) => client.letters.iter().any(|letter| letter.is_list),
        _ => false,
    };
    assert!(doings().filter(is_list).count() > 10);
    assert!(plans.iter().filter(|plan| plan.archives).count() > 10);
    assert!(plans.iter().filter(|plan| plan.divides).count() > 10);
    let messages = doings().filter(|doing| matches!(doing, Doing::Message(_)));
    assert!(messages.count() > 10);
    for order in [
        Order::Retry,
        Order::Hold,
        Order::Suspend,
        Order::Cancel,
        Order::Bounce,
    ] {
        let is_it = |doing: &Doing| matches!(doing, Doing::Operator(plan) if plan.order == order);
        assert!(doings().any(is_it), "{order:?}");
    }
}
