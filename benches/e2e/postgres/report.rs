//! The table.
//!
//! | column | |
//! |---|---|
//! | `msg/s` | messages a second that clients were told are accepted; for `pgbench`, messages that were committed |
//! | `p50 ms`, `p99 ms` | from the start of a message until the last reply |
//! | `% of it` | the share of what PostgreSQL commits by itself over as many connections as there are clients, with each message in a commit of its own |
//! | `% batch` | the share of what it commits by itself over as many connections as one agent writes with, with as many messages in each commit as that agent |
//! | `agents`, `server`, `clients` | processor time for 1000 messages, in seconds: of the agents, of PostgreSQL, and of the clients |
//! | `busy %` | the share of all processors that these three used during the run |
//! | `/commit` | messages in a commit |
//! | `KiB` | of the write-ahead log for a message |
//! | `pages` | full-page images in it for a message, which are logged when a page is first changed after a checkpoint |
//! | `syncs` | of the log for a message |
//! | `ms` | the duration of a sync |

use std::thread::available_parallelism;

use serde_json::{Value, json};

/// A column: its title, width, digits after the point, the name of its value, and the factor for the value.
#[derive(Clone, Copy)]
struct Column(&'static str, usize, usize, &'static str, f64);

const COLUMNS: &[Column] = &[
    Column("msg/s", 8, 0, "per_second", 1.0),
    Column("p50 ms", 8, 1, "p50_ms", 1.0),
    Column("p99 ms", 8, 1, "p99_ms", 1.0),
    Column("% of it", 9, 0, "of_limit", 100.0),
    Column("% batch", 9, 0, "of_batched", 100.0),
    Column("agents", 8, 3, "agents_cpu", 1.0),
    Column("server", 8, 3, "server_cpu", 1.0),
    Column("clients", 9, 3, "clients_cpu", 1.0),
    Column("busy %", 8, 0, "busy", 100.0),
    Column("/commit", 9, 1, "per_commit", 1.0),
    Column("KiB", 7, 1, "wal_kib", 1.0),
    Column("pages", 7, 2, "wal_pages", 1.0),
    Column("syncs", 8, 3, "syncs", 1.0),
    Column("ms", 7, 2, "sync_ms", 1.0),
];
/// The width of the row names.
const NAME: usize = 18;

/// Adds how busy the processors were: the processor time, in seconds, for all messages.
pub(super) fn tell_load(run: &mut Value, cpu: f64, messages: f64) {
    let processors = available_parallelism().map_or(1, usize::from) as f64;
    let seconds = run["per_second"].as_f64().map(|rate| messages / rate);
    run["busy"] = json!(seconds.map(|seconds| cpu / seconds / processors));
}

/// The first line of the table.
pub(super) fn head() -> String {
    let titles = COLUMNS.iter();
    let titles = titles.map(|&Column(title, width, ..)| format!("{title:>width$}"));
    format!("{:<NAME$}", "") + &titles.collect::<String>()
}

/// The line of a run. What was not measured is empty.
pub(super) fn line(run: &Value) -> String {
    let values = COLUMNS
        .iter()
        .map(|&Column(_, width, digits, name, times)| {
            match run[name].as_f64().map(|value| value * times) {
                Some(value) => format!("{value:>width$.digits$}"),
                None => " ".repeat(width),
            }
        });
    let name = run["case"].as_str().unwrap_or_default();
    format!("{name:<NAME$}") + values.collect::<String>().trim_end()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{head, line};

    #[test]
    fn values_stand_under_their_titles() {
        let run = json!({
            "case": "2 agents", "per_second": 2000.4, "p99_ms": 33.25, "of_limit": 0.512, "sync_ms": 1.5,
        });
        let (head, line) = (head(), line(&run));
        for (title, value) in [
            ("msg/s", "2000"),
            ("p99 ms", "33.2"),
            ("% of it", "51"),
            ("ms", "1.50"),
        ] {
            let end = head.rfind(title).unwrap() + title.len();
            assert!(line[..end].ends_with(value), "{title}:\n{head}\n{line}");
        }
    }
}
