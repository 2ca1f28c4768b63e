//! `koukan destinations`: where mail goes, of a running agent, by its REST API, or of one that is stopped.

mod table;

use std::process::ExitCode;

use axum::http::Method;
use clap::{Args, Subcommand};
use tower::BoxError;

use crate::Builder;

use super::agent::{Agent, carry_out, escaped, print};

/// What to see or change of destinations.
#[derive(Debug, Args)]
pub(crate) struct Destinations {
    #[command(flatten)]
    agent: Agent,
    /// Prints the JSON of the REST API, in place of a table.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists destinations: those that are suspended, then those for which most is queued.
    List(List),
    /// Shows destinations, and what was said there last.
    Show(Named),
    /// Makes no attempts for destinations until they are resumed.
    Suspend(Named),
    /// Lets destinations go on, and attempts what is queued for them now.
    Resume(Named),
    /// Attempts what is queued for destinations now, also where their hosts are known not to answer.
    Retry(Named),
}

#[derive(Debug, Args)]
struct List {
    /// How many at most.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,
}

#[derive(Debug, Args)]
struct Named {
    /// Domains, or hosts with their ports, as in lists.
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

impl Destinations {
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
        let (names, method, action) = match command {
            Command::List(list) => {
                let path = format!("/destinations?limit={}", list.limit);
                let listed = agent.ask(Method::GET, &path).await?;
                print(&listed, json, table::list);
                return Ok(ExitCode::SUCCESS);
            }
            Command::Show(named) => (named.names, Method::GET, ""),
            Command::Suspend(named) => (named.names, Method::POST, "/suspend"),
            Command::Resume(named) => (named.names, Method::POST, "/resume"),
            Command::Retry(named) => (named.names, Method::POST, "/retry"),
        };
        let all = names.iter().map(|name| {
            let path = format!("/destinations/{}{action}", escaped(name));
            (&**name, path)
        });
        Ok(agent.ask_each(method, all, (json, table::show)).await)
    }
}
