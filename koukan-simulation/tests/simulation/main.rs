//! Runs simulations of many seeds.
#![allow(
    clippy::print_stdout,
    reason = "what a seed met is told where a test fails"
)]

mod faults;
mod known;
mod replicas;
mod seeds;

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use koukan_simulation::Simulation;

/// Runs seeds on all processors until `look` has seen enough of their violations. Returns whether
/// it has.
fn until(
    simulation: &Simulation,
    seeds: std::ops::Range<u64>,
    look: impl Fn(u64, &[String]) -> bool + Sync,
) -> bool {
    let (next, is_enough) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let work = || {
        while !is_enough.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                break;
            }
            let violations = simulation.violations(seed);
            if !violations.is_empty() && look(seed, &violations) {
                is_enough.store(true, Ordering::Relaxed);
            }
        }
    };
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    is_enough.into_inner()
}

/// Expects that a seed below 2,000 causes a violation with these words.
#[track_caller]
fn found(simulation: &Simulation, wrong: &str) {
    const SEEDS: u64 = 2_000;

    let looked = until(simulation, 0..SEEDS, |seed, violations| {
        let is_it = violations.iter().any(|what| what.contains(wrong));
        println!("seed {seed}: {violations:?}");
        is_it
    });
    assert!(looked, "{wrong:?} is not found in {SEEDS} seeds");
}
