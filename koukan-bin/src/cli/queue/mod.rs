//! `koukan queue`: the queue of a running agent, by its REST API, or of a stopped one.

mod conversation;
mod filter;
mod table;

use std::process::ExitCode;

use axum::http::Method;
use clap::{Args, Subcommand};
use tower::BoxError;

use crate::Builder;

use self::filter::Filter;
use super::agent::{Agent, carry_out, escaped, print};

/// What to show or change.
#[derive(Debug, Args)]
pub(crate) struct Queue {
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
    /// Lists transactions, newest first: unfinished ones, unless `--state` says otherwise.
    List(List),
    /// Shows a transaction with each attempt, and the replies of the other side.
    Show(One),
    /// Prints the message of a transaction.
    Message(One),
    /// Attempts transactions now.
    Retry(Change),
    /// Holds transactions until they are released.
    Hold(Change),
    /// Releases held transactions, and attempts them now.
    Release(Change),
    /// Cancels transactions; nobody is notified.
    Cancel(Change),
    /// Cancels transactions, and notifies their senders.
    Bounce(Change),
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    filter: Filter,
    /// The most transactions to list.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,
}

#[derive(Debug, Args)]
struct One {
    /// The id of the transaction, as in lists and in the log.
    id: String,
}

#[derive(Debug, Args)]
struct Change {
    #[command(flatten)]
    filter: Filter,
    /// Selects all unfinished transactions, if no other option selects some.
    #[arg(long)]
    all: bool,
    /// Tells what would be changed, without changing it.
    #[arg(long)]
    dry_run: bool,
    /// The ids of the transactions; or none, and options that select some.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
}

impl Queue {
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
        let (name, change) = match command {
            Command::List(list) => {
                let mut query = list.filter.query()?;
                query.add("limit", &list.limit.to_string());
                let listed = agent.ask(Method::GET, &query.path("/queue")).await?;
                print(&listed, json, table::list);
                return Ok(ExitCode::SUCCESS);
            }
            Command::Show(one) => {
                let path = format!("/queue/{}", escaped(&one.id));
                let shown = agent.ask(Method::GET, &path).await?;
                print(&shown, json, table::show);
                return Ok(ExitCode::SUCCESS);
            }
            Command::Message(one) => {
                let path = format!("/queue/{}/message", escaped(&one.id));
                agent.copy(&path).await?;
                return Ok(ExitCode::SUCCESS);
            }
            Command::Retry(change) => ("retry", change),
            Command::Hold(change) => ("hold", change),
            Command::Release(change) => ("release", change),
            Command::Cancel(change) => ("cancel", change),
            Command::Bounce(change) => ("bounce", change),
        };
        change.carry_out(&agent, name, json).await
    }
}

impl Change {
    async fn carry_out(
        self,
        agent: &Agent,
        action: &str,
        json: bool,
    ) -> Result<ExitCode, BoxError> {
        if self.ids.is_empty() {
            let mut query = self.filter.query()?;
            if self.all {
                query.add("all", "true");
            } else if query.is_empty() {
                let error = "nothing says which transactions are meant: give ids, or options as \
                             those of `koukan queue list`, or --all";
                return Err(error.into());
            }
            if self.dry_run {
                query.add("dry_run", "true");
            }
            let path = query.path(&format!("/queue/{action}"));
            let changed = agent.ask(Method::POST, &path).await?;
            let of = match self.dry_run {
                true => "would be changed",
                false => "were changed",
            };
            print(&changed, json, |changed| table::changed(changed, of));
            return Ok(ExitCode::SUCCESS);
        }
        if !self.filter.query()?.is_empty() || self.all {
            return Err("ids say which transactions are meant: leave out what else does".into());
        }
        if self.dry_run {
            let error = "--dry-run is for options that say which; `koukan queue show` tells how \
                         one stands";
            return Err(error.into());
        }
        let all = self.ids.iter().map(|id| {
            let path = format!("/queue/{}/{action}", escaped(id));
            (&**id, path)
        });
        Ok(agent.ask_each(Method::POST, all, (json, table::line)).await)
    }
}
