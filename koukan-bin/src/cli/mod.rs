//! The command line.

mod check;
mod demo;
mod run;
mod sink;

use std::{error::Error, process::ExitCode};

use clap::{Parser, Subcommand};

/// A mail transfer agent that is also a library.
#[derive(Debug, Parser)]
#[command(name = "koukan", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs an agent until it is told to stop by SIGTERM or SIGINT.
    Run(run::Run),
    /// Checks a configuration file and starts nothing.
    Check(check::Check),
    /// Prints the JSON Schema of the configuration file.
    Schema,
    /// Takes mail by SMTP and throws it away: a destination to try things with.
    Sink(sink::SinkCommand),
    /// Starts an agent and a sink, sends a few hundred messages, and accounts for each.
    Demo(demo::Demo),
}

impl Cli {
    pub(crate) fn run(self) -> ExitCode {
        match self.command {
            Command::Run(run) => run.run(),
            Command::Check(check) => check.run(),
            Command::Schema => {
                println!("{:#}", koukan::config::Config::json_schema());
                ExitCode::SUCCESS
            }
            Command::Sink(sink) => sink.run(),
            Command::Demo(demo) => demo.run(),
        }
    }
}

/// Tells what went wrong, and why.
fn complain(error: &dyn Error) -> ExitCode {
    eprint!("koukan: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprint!(": {error}");
        cause = error.source();
    }
    eprintln!();
    ExitCode::FAILURE
}

/// Runs a command's future on a runtime of its own.
fn block_on<F: Future>(threads: Option<usize>, future: F) -> std::io::Result<F::Output> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = threads {
        runtime.worker_threads(threads.max(1));
    }
    let runtime = runtime.enable_all().build()?;
    Ok(runtime.block_on(future))
}
