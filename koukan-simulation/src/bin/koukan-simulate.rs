//! Runs simulations of the agent, seed by seed: see the crate's documentation.
#![allow(clippy::print_stdout, reason = "this is what it is for")]

use std::{
    num::NonZeroUsize,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use clap::Parser;
use koukan_simulation::Simulation;
use tokio::time::Instant;

/// Runs simulations of the agent, seed by seed, and tells the story of those that fail.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// How many seeds; without it, as many as there is time for.
    #[arg(long)]
    seeds: Option<u64>,
    /// How long to go on, in minutes; without it and without --seeds, for ever.
    #[arg(long)]
    minutes: Option<u64>,
    /// Stop after so many failures.
    #[arg(long, default_value_t = 3)]
    failures: u64,
    /// Print what was wrong, without the story.
    #[arg(long)]
    brief: bool,
    /// Run this many at a time; by default as many as there are processors.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let start = Instant::now();
    let is_over = || {
        let minutes = args
            .minutes
            .map(|minutes| Duration::from_secs(60 * minutes));
        minutes.is_some_and(|time| start.elapsed() >= time)
    };
    let (next, failures) = (AtomicU64::new(args.first), AtomicU64::new(0));
    let end = args.seeds.map(|seeds| args.first.saturating_add(seeds));
    let work = || {
        while failures.load(Ordering::Relaxed) < args.failures && !is_over() {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if end.is_some_and(|end| seed >= end) {
                break;
            }
            run(seed, &args, &failures);
        }
    };
    let processors = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    thread::scope(|scope| {
        for _ in 0..args.threads.unwrap_or_else(processors).get() {
            scope.spawn(work);
        }
    });
    let (next, failures) = (next.into_inner(), failures.into_inner());
    let run = end.map_or(next, |end| end.min(next)) - args.first;
    let took = start.elapsed().as_secs_f32();
    println!(
        "{run} seeds from {} on in {took:.1} s: {failures} failed",
        args.first
    );
    if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run(seed: u64, args: &Args, failures: &AtomicU64) {
    let simulation = Simulation::new();
    let violations = simulation.violations(seed);
    if violations.is_empty() {
        return;
    }
    failures.fetch_add(1, Ordering::Relaxed);
    println!("seed {seed}: {violations:?}");
    if !args.brief
        && let Err(failure) = simulation.run_seed(seed)
    {
        println!("{failure}");
    }
}
