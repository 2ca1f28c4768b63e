//! The end-to-end load test: a generator, an agent and a sink as three processes on loopback.
//!
//! ```text
//! cargo build --release -p koukan && cargo run --release -p koukan-benches -- matrix
//! ```
//!
//! Each case prints one row of a table and, with `--json`, one JSON object: messages per second,
//! latency, processor time of all processes for 1000 messages, the agent's largest resident memory,
//! and its syncs and written octets for a message. Beside it, in the same run, are the ceiling (the
//! generator sends directly to the sink) and Postfix in place of the agent. `backlog` measures an
//! agent with a long queue, and `postgres` measures agents that share one PostgreSQL database.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a program that measures real time and talks to its user"
)]

mod agent;
mod backlog;
#[cfg(test)]
mod closed_loop;
mod descriptors;
mod destination;
mod dns;
mod generate;
mod group_commit;
mod histogram;
mod hold;
mod http;
mod matrix;
mod message;
mod postfix;
mod postgres;
mod process;
mod server;
mod signature;
mod sink;
mod tls;
mod upload;

use std::{error::Error, process::ExitCode};

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "The end-to-end load test of Koukan")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs all cases, or one.
    Matrix(matrix::Matrix),
    /// Stores many messages, restarts the agent, queries the queue, and delivers everything while
    /// one host hangs.
    Backlog(backlog::Backlog),
    /// Stores messages through agents that share one PostgreSQL database, beside what that database
    /// commits by itself.
    Postgres(postgres::Postgres),
    /// Uploads one large message in ranges and prints how much memory that took.
    Upload(upload::Upload),
    /// Sends messages and prints the report as JSON.
    Generate(generate::Load),
    /// Makes TLS connections, sends nothing on them, and prints how soon others are greeted.
    Hold(hold::Hold),
    /// Accepts messages and discards them; prints a report at the end of its input.
    Sink(sink::Sink),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Matrix(matrix) => matrix.run(),
        Command::Backlog(backlog) => backlog.run(),
        Command::Postgres(postgres) => postgres.run(),
        Command::Upload(upload) => upload.run(),
        Command::Generate(load) => load.run(),
        Command::Hold(hold) => hold.run(),
        Command::Sink(sink) => sink.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("koukan-load: {error}");
            ExitCode::FAILURE
        }
    }
}

type Failed = Box<dyn Error + Send + Sync>;
