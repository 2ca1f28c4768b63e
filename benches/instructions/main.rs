//! Hot paths, each run a number of times on one thread and without sockets, to count instructions.
//! The counts are nearly the same wherever and whenever this runs.
//!
//! `scripts/instructions` counts them and compares with `baseline.json`. The counts include the
//! client and the sink, which are as simple as possible.
#![allow(clippy::print_stdout, reason = "tells which scenarios there are")]

mod chain;
mod codec;
mod content;
#[path = "../letter/mod.rs"]
mod letter;
mod message;
mod observing;
mod relay;
mod rest;
mod runtime;
mod sink;
mod smtp_client;

use std::env;

/// The agent's allocator, since much of a message's cost is memory management.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A scenario, and how often to run it: the difference between few and many runs excludes the cost
/// of setting up.
struct Scenario {
    name: &'static str,
    few: usize,
    many: usize,
    run: fn(usize),
}

const SCENARIOS: &[Scenario] = &[
    scenario("relay_kept", 100, 600, relay::kept),
    scenario("relay_observed", 100, 600, relay::observed),
    scenario("relay_pipelined", 100, 600, relay::pipelined),
    scenario("relay_10_recipients", 20, 120, relay::to_10_recipients),
    scenario("relay_100k", 50, 250, relay::of_100k),
    scenario("chain_16", 100, 1100, chain::of_16_layers),
    scenario("policies_20", 100, 1100, chain::of_20_policies),
    scenario("exploder_10", 50, 550, chain::exploder_to_10),
    scenario("codec_commands", 500, 5500, codec::decode_commands),
    scenario("codec_replies", 500, 5500, codec::parse_replies),
    scenario("codec_encode", 500, 5500, codec::encode),
    scenario("dot_stuffing", 5, 25, codec::stuff_dots),
    scenario("dot_unstuffing", 5, 25, codec::unstuff_dots),
    scenario("message_build", 5, 25, message::build),
    scenario("message_parse", 5, 25, message::parse_whole),
    scenario("rest_create", 50, 350, rest::create),
    scenario("json_create", 200, 2200, rest::read_create),
    scenario("json_view", 200, 2200, rest::write_view),
];

/// Runs a scenario a number of times; or lists the scenarios, each with a small and a large number of runs.
fn main() -> Result<(), String> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [name, times] = &arguments[..] else {
        for scenario in SCENARIOS {
            println!("{} {} {}", scenario.name, scenario.few, scenario.many);
        }
        return Ok(());
    };
    let times = times
        .parse()
        .map_err(|error| format!("how many times is no number: {times}: {error}"))?;
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name);
    let scenario = scenario.ok_or_else(|| format!("there is no scenario {name}"))?;
    (scenario.run)(times);
    Ok(())
}

const fn scenario(name: &'static str, few: usize, many: usize, run: fn(usize)) -> Scenario {
    Scenario {
        name,
        few,
        many,
        run,
    }
}
