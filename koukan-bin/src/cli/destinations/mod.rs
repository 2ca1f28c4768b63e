//! `koukan destinations`: where the mail of an agent goes. Asks a running agent by its REST API, or
//! reads the database of a stopped one.

mod table;

use std::process::ExitCode;

use axum::http::Method;
use clap::{Args, Subcommand};
use tower::BoxError;

use crate::Builder;

use super::agent::{Agent, carry_out, escaped, print};

/// What to show or change.
#[derive(Debug, Args)]
pub(crate) struct Destinations {
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
    /// Lists destinations: suspended ones first, then those with the most queued transactions.
    List(List),
    /// Shows destinations, and the last reply of each.
    Show(Named),
    /// Stops attempts for destinations until they are resumed.
    Suspend(Named),
    /// Resumes destinations, and attempts what is queued for them now.
    Resume(Named),
    /// Attempts what is queued for destinations now, even if their hosts are known not to answer.
    Retry(Named),
}

#[derive(Debug, Args)]
struct List {
    /// The most destinations to list.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,
}

#[derive(Debug, Args)]
struct Named {
    /// Domains, or hosts with their ports, as lists show them.
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
