//! `koukan webhooks`: the webhooks of a running agent that get events, by its REST API.

mod table;

use std::process::ExitCode;

use axum::http::Method;
use clap::{Args, Subcommand};
use tower::BoxError;

use crate::Builder;

use super::agent::{Agent, carry_out, escaped, print};

/// What to show or change.
#[derive(Debug, Args)]
pub(crate) struct Webhooks {
    #[command(flatten)]
    agent: Agent,
    /// Prints the JSON of the REST API instead of a table.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists webhooks, and whether each accepts its events.
    List,
    /// Calls failing webhooks now, including those that were given up.
    Retry(Named),
    /// Skips the events that webhooks do not accept, and goes on with those after them.
    Skip(Named),
}

#[derive(Debug, Args)]
struct Named {
    /// Names of webhooks.
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

impl Webhooks {
    pub(crate) fn run(mut self, parts: Builder) -> ExitCode {
        self.agent = self.agent.with_parts(parts);
        carry_out(self.carry_out())
    }

    async fn carry_out(self) -> Result<ExitCode, BoxError> {
        let Self {
            agent,
            json,
            command,
        } = self;
        let (named, action) = match command {
            Command::List => {
                let listed = agent.ask(Method::GET, "/webhooks").await?;
                print(&listed, json, table::list);
                return Ok(ExitCode::SUCCESS);
            }
            Command::Retry(named) => (named, "retry"),
            Command::Skip(named) => (named, "skip"),
        };
        let all = named.names.iter().map(|name| {
            let escaped = escaped(name);
            (&**name, format!("/webhooks/{escaped}/{action}"))
        });
        Ok(agent.ask_each(Method::POST, all, (json, table::line)).await)
    }
}
