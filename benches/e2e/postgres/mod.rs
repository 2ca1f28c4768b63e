//! Messages that are stored in PostgreSQL: by agents that share one database, and for comparison by
//! PostgreSQL alone, with the same rows, in the same run.

mod agent;
mod cluster;
mod limit;
mod report;
mod rows;
#[path = "../../../koukan-storage/tests/support/postgres.rs"]
mod server;

use std::{
    net::SocketAddr,
    process::{Command, Stdio},
};

use clap::Args;
use serde_json::{Value, json};

use crate::{Failed, process::free_address};

use self::{agent::Agent, cluster::Cluster, limit::Limit, rows::Rows};

/// How much is sent, and through how many agents.
#[derive(Debug, Args)]
pub(crate) struct Postgres {
    /// How many agents share the database; one run for each number.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 3])]
    replicas: Vec<usize>,
    /// Messages of a run.
    #[arg(long, default_value_t = 30_000)]
    messages: u64,
    /// Clients of all agents together, at the same time.
    #[arg(long, default_value_t = 50)]
    sessions: u32,
    /// Octets of a message.
    #[arg(long, default_value_t = 5_000)]
    size: usize,
    /// For how many seconds PostgreSQL alone is measured, with each kind of commits.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Prints a JSON object for each row, and the table to standard error.
    #[arg(long)]
    json: bool,
}

impl Postgres {
    /// # Errors
    ///
    /// If a message was refused, or is not in the database.
    pub(crate) fn run(&self) -> Result<(), Failed> {
        let cluster = Cluster::start();
        self.tell(&report::head());
        let mut limits = None;
        for replicas in &self.replicas {
            let database = cluster.database();
            let mut run = self.measure(&cluster, &database, *replicas)?;
            if limits.is_none() {
                limits = Some(self.limits(&cluster, &database, &run)?);
            }
            for (name, rate) in limits.iter().flatten() {
                run[name] = json!(run["per_second"].as_f64().map(|own| own / rate));
            }
            self.show(&run);
        }
        Ok(())
    }

    /// Sends messages to agents whose destination is down.
    fn measure(&self, cluster: &Cluster, database: &str, replicas: usize) -> Result<Value, Failed> {
        let sink = free_address()?;
        let agents = (0..replicas).map(|_| Agent::start(database, sink));
        let agents = agents.collect::<Result<Vec<_>, _>>()?;
        cluster.checkpoint();
        let before = (cluster.usage(), cpu_seconds(&agents));
        let entries: Vec<_> = agents.iter().map(Agent::submission).collect();
        let mut run = self.generate(&entries)?;
        let own = cpu_seconds(&agents) - before.1;
        let server = cluster.cpu_seconds() - before.0.cpu;
        let commits = cluster::commits(database);
        for agent in agents {
            agent.stop()?;
        }
        // The statistics of a connection are only complete when it has ended.
        let written = cluster.usage();
        cluster::check(database, self.messages)?;
        let messages = self.messages as f64;
        run["case"] = json!(match replicas {
            1 => "1 agent".to_owned(),
            more => format!("{more} agents"),
        });
        run["agents_cpu"] = json!(own / messages * 1000.0);
        run["server_cpu"] = json!(server / messages * 1000.0);
        let clients = run["generator_cpu"].as_f64().unwrap_or_default();
        run["clients_cpu"] = json!(clients / messages * 1000.0);
        run["per_commit"] = json!(messages / commits);
        cluster::tell(&mut run, before.0, written, messages);
        report::tell_load(&mut run, own + server + clients, messages);
        Ok(run)
    }

    /// What PostgreSQL commits of such rows by itself: each message in a commit of its own; and several
    /// together, as many as the agent. The names are those of the shares in a row of the table.
    fn limits(
        &self,
        cluster: &Cluster,
        database: &str,
        run: &Value,
    ) -> Result<[(&'static str, f64); 2], Failed> {
        let rows = Rows::of(database)?;
        let together = run["per_commit"].as_f64().unwrap_or(1.0).round().max(1.0);
        let limit = |name, clients, together| {
            let limit = Limit {
                name,
                clients,
                together,
                seconds: self.seconds,
            };
            let measured = limit.measure(cluster, database, &rows)?;
            self.show(&measured);
            measured["per_second"]
                .as_f64()
                .ok_or_else(|| Failed::from("pgbench told no rate"))
        };
        let alone = limit("pgbench", self.sessions, 1)?;
        // Over as many connections as an agent uses to write messages.
        let batched = limit("pgbench, together", agent::WRITERS, together as u32)?;
        Ok([("of_limit", alone), ("of_batched", batched)])
    }

    fn generate(&self, entries: &[SocketAddr]) -> Result<Value, Failed> {
        let (first, others) = entries.split_first().ok_or("no agent is asked for")?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["generate", &first.to_string()]);
        for other in others {
            command.args(["--also", &other.to_string()]);
        }
        command
            .args(["--sessions", &self.sessions.to_string()])
            .args(["--messages", &self.messages.to_string()])
            .args(["--size", &self.size.to_string()])
            .stderr(Stdio::inherit());
        let output = command.output()?;
        if !output.status.success() {
            return Err("the generator failed".into());
        }
        let run: Value = serde_json::from_slice(&output.stdout)?;
        match run["refused"].as_u64() {
            Some(0) => Ok(run),
            _ => Err(format!("messages were refused: {run}").into()),
        }
    }

    fn show(&self, run: &Value) {
        self.tell(&report::line(run));
        if self.json {
            println!("{run}");
        }
    }

    fn tell(&self, line: &str) {
        if self.json {
            eprintln!("{line}");
        } else {
            println!("{line}");
        }
    }
}

fn cpu_seconds(agents: &[Agent]) -> f64 {
    agents.iter().map(Agent::cpu_seconds).sum()
}
