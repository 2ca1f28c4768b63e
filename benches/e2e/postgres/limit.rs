//! What PostgreSQL commits by itself, as measured by its own `pgbench`.

use std::{fs, process::Command};

use serde_json::{Value, json};

use crate::{
    Failed,
    process::{cpu_seconds, cpu_seconds_with_ended},
};

use super::{
    cluster::{self, Cluster},
    report,
    rows::Rows,
    server,
};

/// How to measure.
pub(super) struct Limit {
    pub(super) name: &'static str,
    pub(super) clients: u32,
    /// Messages in each commit.
    pub(super) together: u32,
    pub(super) seconds: u32,
}

/// How long, or how often.
#[derive(Debug, Clone, Copy)]
pub(super) enum Length {
    Seconds(u32),
    #[cfg(test)]
    Commits(u32),
}

impl Limit {
    pub(super) fn measure(
        &self,
        cluster: &Cluster,
        database: &str,
        rows: &Rows,
    ) -> Result<Value, Failed> {
        let database = cluster.emptied(database);
        cluster.checkpoint();
        let before = (cluster.usage(), ended());
        let length = Length::Seconds(self.seconds);
        let rate = self.commit(&database, rows, length)? * f64::from(self.together);
        let clients = ended() - before.1;
        let after = cluster.usage();
        let messages = rate * f64::from(self.seconds);
        let server = after.cpu - before.0.cpu;
        let mut run = json!({
            "case": self.name,
            "per_second": rate,
            "server_cpu": server / messages * 1000.0,
            "clients_cpu": clients / messages * 1000.0,
            "per_commit": self.together,
        });
        cluster::tell(&mut run, before.0, after, messages);
        report::tell_load(&mut run, server + clients, messages);
        Ok(run)
    }

    /// Commits a second.
    pub(super) fn commit(
        &self,
        database: &str,
        rows: &Rows,
        length: Length,
    ) -> Result<f64, Failed> {
        let directory = tempfile::tempdir()?;
        let script = directory.path().join("commit.sql");
        fs::write(&script, rows.script(self.together))?;
        let mut command = Command::new(server::program("pgbench"));
        command.args(["-n", "-M", "prepared", "-j", "2", "-c"]);
        command.arg(self.clients.to_string());
        match length {
            Length::Seconds(seconds) => command.arg("-T").arg(seconds.to_string()),
            #[cfg(test)]
            Length::Commits(commits) => command.arg("-t").arg(commits.to_string()),
        };
        command.arg("-D").arg(format!("octets={}", rows.octets()));
        let output = command.arg("-f").arg(script).arg(database).output()?;
        let told = String::from_utf8_lossy(&output.stdout);
        let rate = told.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = rate.and_then(|rate| rate.split(' ').next()?.parse().ok());
        match rate.filter(|_| output.status.success()) {
            Some(rate) => Ok(rate),
            None => {
                let error = String::from_utf8_lossy(&output.stderr);
                Err(format!("pgbench: {error}{told}").into())
            }
        }
    }
}

/// Processor time of this process' children that have ended.
fn ended() -> f64 {
    cpu_seconds_with_ended(std::process::id()) - cpu_seconds("self")
}
