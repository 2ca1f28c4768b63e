//! `koukan suppressions`: the addresses to which a sender of a running agent sends nothing, by its REST API.

mod table;

use std::process::ExitCode;

use axum::http::Method;
use clap::{Args, Subcommand};
use tower::BoxError;

use crate::Builder;

use super::agent::{Agent, carry_out, escaped, print};

/// What to show or change.
#[derive(Debug, Args)]
pub(crate) struct Suppressions {
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
    /// Lists the addresses to which a sender sends nothing, with the reasons.
    List(List),
    /// Suppresses addresses, for as long as the sender's configuration says.
    Add(Add),
    /// Ends the suppression of addresses.
    Remove(Named),
}

#[derive(Debug, Args)]
struct List {
    /// The sender's name.
    sender: String,
    /// The most addresses to list.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,
    /// The address after which the list begins.
    #[arg(long, value_name = "ADDRESS")]
    after: Option<String>,
}

#[derive(Debug, Args)]
struct Named {
    /// The sender's name.
    sender: String,
    /// Addresses of recipients.
    #[arg(required = true, value_name = "ADDRESS")]
    addresses: Vec<String>,
}

#[derive(Debug, Args)]
struct Add {
    #[command(flatten)]
    named: Named,
    /// The reason; senders see it when a message is refused.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Suppressions {
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
        let (named, method, query) = match command {
            Command::List(list) => {
                let (sender, limit) = (escaped(&list.sender), list.limit);
                let mut path = format!("/senders/{sender}/suppressions?limit={limit}");
                if let Some(after) = &list.after {
                    path = format!("{path}&cursor={}", escaped(after));
                }
                let listed = agent.ask(Method::GET, &path).await?;
                print(&listed, json, table::list);
                return Ok(ExitCode::SUCCESS);
            }
            Command::Add(add) => {
                let query = add
                    .reason
                    .map(|reason| format!("?reason={}", escaped(&reason)));
                (add.named, Method::PUT, query.unwrap_or_default())
            }
            Command::Remove(named) => (named, Method::DELETE, String::new()),
        };
        let sender = escaped(&named.sender);
        let all = named.addresses.iter().map(|address| {
            let escaped = escaped(address);
            let path = format!("/senders/{sender}/suppressions/{escaped}{query}");
            (&**address, path)
        });
        Ok(agent.ask_each(method, all, (json, table::line)).await)
    }
}
