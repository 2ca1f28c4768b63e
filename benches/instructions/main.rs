//! Hot paths, each run so many times within one thread and without sockets: for counting
//! instructions, which come out nearly the same wherever and whenever it runs.
//!
//! `scripts/instructions` counts them and compares with `baseline.json`. What is counted includes
//! the client and the sink here, which are as simple as they can be.
#![allow(clippy::print_stdout, reason = "tells which scenarios there are")]

mod relay;
mod sink;
mod smtp_client;

use std::process::ExitCode;

use clap::Parser;

use relay::{Load, relay};

/// The agent's own, since much of what a message costs is memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs a scenario, or lists them: each with a few and with many times to run it, the difference
/// between which leaves out what it takes to set it up.
#[derive(Debug, Parser)]
struct Args {
    /// The scenario.
    #[arg(requires = "times")]
    scenario: Option<String>,
    /// How many times to run it.
    times: Option<usize>,
}

struct Scenario {
    name: &'static str,
    few: usize,
    many: usize,
    run: fn(usize),
}

const fn scenario(name: &'static str, few: usize, many: usize, run: fn(usize)) -> Scenario {
    Scenario {
        name,
        few,
        many,
        run,
    }
}

const SCENARIOS: &[Scenario] = &[
    scenario("relay_kept", 100, 600, |times| {
        relay(times, Load::default());
    }),
    scenario("relay_pipelined", 100, 600, |times| {
        let is_pipelined = true;
        relay(
            times,
            Load {
                is_pipelined,
                ..Load::default()
            },
        );
    }),
    scenario("relay_10_recipients", 20, 120, |times| {
        let recipients = 10;
        relay(
            times,
            Load {
                recipients,
                ..Load::default()
            },
        );
    }),
    scenario("relay_100k", 50, 250, |times| {
        let size = 100_000;
        relay(
            times,
            Load {
                size,
                ..Load::default()
            },
        );
    }),
];

fn main() -> ExitCode {
    let args = Args::parse();
    let (Some(name), Some(times)) = (args.scenario, args.times) else {
        for scenario in SCENARIOS {
            println!("{} {} {}", scenario.name, scenario.few, scenario.many);
        }
        return ExitCode::SUCCESS;
    };
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name);
    match scenario {
        Some(scenario) => {
            (scenario.run)(times);
            ExitCode::SUCCESS
        }
        None => ExitCode::FAILURE,
    }
}

/// Runs `future` on one thread that has timers, and no sockets.
fn block_on(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime
        .expect("a runtime needs no more than memory")
        .block_on(future);
}

/// A message of so many octets, in lines of 72.
fn message(size: usize) -> String {
    let line = format!("{}\r\n", "0123456789".repeat(7));
    let header = "From: <alice@example.org>\r\nTo: <bob@example.com>\r\nSubject: hello\r\n\r\n";
    let mut message = header.to_owned();
    while message.len() + line.len() <= size {
        message.push_str(&line);
    }
    message
}
