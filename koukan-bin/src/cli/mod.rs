//! The command line.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command talks to its user"
)]

mod agent;
mod backup;
mod check;
mod database;
mod demo;
mod destinations;
#[cfg(feature = "mail-auth")]
mod dkim_key;
mod explain;
mod forget;
mod migrate;
mod passwd;
mod printed;
mod queue;
mod send;
mod sink;
mod suppressions;
mod table;
mod token;
mod webhooks;

use std::process::ExitCode;

use crate::{
    Builder,
    command::{Run, block_on, complain},
    config::Config,
    registry::Registry,
};
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
    /// Runs an agent until it gets SIGTERM or SIGINT.
    Run(Run),
    /// Checks a configuration file, without starting anything.
    Check(check::Check),
    /// Explains what would happen to a message, without sending it.
    Explain(Box<explain::ExplainCommand>),
    /// Prints the JSON Schema of the configuration file.
    Schema,
    /// Copies the database into a file while the agent runs.
    Backup(backup::BackUp),
    /// Erases finished messages that an address has sent or received.
    Forget(forget::Forget),
    /// Shows the versions of the database's schema, and applies missing migrations; moves a queue
    /// into PostgreSQL.
    Migrate(migrate::Migrate),
    /// Accepts mail by SMTP and discards it: a destination for tests.
    Sink(sink::SinkCommand),
    /// Shows and changes the queue of a running agent, by its REST API.
    Queue(Box<queue::Queue>),
    /// Shows, suspends and resumes mail by destination, of a running agent.
    Destinations(Box<destinations::Destinations>),
    /// Shows and changes the suppressed addresses of a running agent: those to which a sender sends nothing.
    Suppressions(Box<suppressions::Suppressions>),
    /// Shows the webhooks of a running agent, and calls those again that were given up.
    Webhooks(Box<webhooks::Webhooks>),
    /// Sends a message by an agent's REST API, and reports the outcome.
    Send(Box<send::Send>),
    /// Makes a token for the REST API, and its hash for the configuration.
    Token(token::Token),
    /// Makes a user's line for a password file, from the password on standard input.
    Passwd(passwd::Passwd),
    /// Makes a key for signing messages, and prints the DNS record that publishes it.
    #[cfg(feature = "mail-auth")]
    DkimKey(dkim_key::DkimKey),
    /// Starts an agent and a sink, sends a few hundred messages, and accounts for each.
    Demo(demo::Demo),
}

impl Cli {
    /// Runs the command, with an agent of these parts.
    pub(crate) fn run(self, agent: Builder) -> ExitCode {
        match self.command {
            Command::Run(run) => run.run(agent),
            Command::Check(check) => check.run(agent),
            Command::Explain(explain) => explain.run(agent),
            Command::Schema => schema(agent.registry()),
            Command::Backup(backup) => backup.run(agent),
            Command::Forget(forget) => forget.run(agent),
            Command::Migrate(migrate) => migrate.run(agent),
            Command::Sink(sink) => sink.run(),
            Command::Queue(queue) => queue.run(agent),
            Command::Destinations(destinations) => destinations.run(agent),
            Command::Suppressions(suppressions) => suppressions.run(agent),
            Command::Webhooks(webhooks) => webhooks.run(agent),
            Command::Send(send) => send.run(),
            Command::Token(token) => token.run(),
            Command::Passwd(passwd) => passwd.run(),
            #[cfg(feature = "mail-auth")]
            Command::DkimKey(key) => key.run(),
            Command::Demo(demo) => demo.run(),
        }
    }
}

/// Prints the schema of the configuration.
fn schema(registry: &Registry) -> ExitCode {
    let stray = registry.stray_schemas();
    for (message, help) in &stray {
        eprintln!("koukan: {message}\n        help: {help}");
    }
    if !stray.is_empty() {
        return ExitCode::FAILURE;
    }
    let schema = Config::json_schema_with(registry);
    printed::say(format_args!("{schema:#}"));
    ExitCode::SUCCESS
}
