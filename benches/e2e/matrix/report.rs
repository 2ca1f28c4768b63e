//! The table.
//!
//! | column | |
//! |---|---|
//! | `msg/s` | messages a second that clients were told are accepted |
//! | `p50 ms`, `p99 ms` | from the start of a message (including its connection if it has its own), or from when it was due, until the last reply |
//! | `ceiling`, `% of it` | messages a second that the generator sends directly to the sink, or SQLite commits alone, or the agent handles without filters or TLS |
//! | `postfix`, `x it` | messages a second through Postfix, until the last one arrived; with the sink down, until it accepted the last one |
//! | `cpu s/1k` | processor time of generator, agent and sink for 1000 messages, including the drain |
//! | `peak MiB` | largest resident memory of the agent, summed over its processes |
//! | `syncs` | calls that sync data to disk, for a message, measured in a separate pass |
//! | `KiB` | what the agent writes to storage for a message |
//! | `more us` | the agent's processor time for a message beyond that of `ceiling`, in microseconds |
//! | `drain/s` | messages a second until the last one arrived, once the sink is up and all of them are due |
//! | `conn KiB`, `postfix's` | memory for each idle connection; `p50 ms` and `p99 ms` are then how soon a new client is greeted |

use serde_json::Value;

/// A column: its title, width, digits after the point, and the value that it shows.
struct Column {
    title: &'static str,
    width: usize,
    digits: usize,
    value: fn(&Value) -> Option<f64>,
}

const fn column(
    title: &'static str,
    width: usize,
    digits: usize,
    value: fn(&Value) -> Option<f64>,
) -> Column {
    Column {
        title,
        width,
        digits,
        value,
    }
}

const COLUMNS: &[Column] = &[
    column("msg/s", 8, 0, |case| case["per_second"].as_f64()),
    column("p50 ms", 9, 2, |case| case["p50_ms"].as_f64()),
    column("p99 ms", 9, 2, |case| case["p99_ms"].as_f64()),
    column("ceiling", 9, 0, |case| case["ceiling"].as_f64()),
    column("% of it", 9, 0, |case| {
        ratio(case, "ceiling").map(|ratio| 100.0 * ratio)
    }),
    column("postfix", 9, 0, |case| case["postfix_per_second"].as_f64()),
    column("x it", 7, 1, |case| ratio(case, "postfix_per_second")),
    column("cpu s/1k", 10, 3, |case| case["cpu_per_1000"].as_f64()),
    column("peak MiB", 10, 1, |case| case["peak_mib"].as_f64()),
    column("syncs", 8, 3, |case| case["syncs"].as_f64()),
    column("KiB", 9, 2, |case| case["written_kib"].as_f64()),
    column("more us", 9, 1, |case| case["more_cpu_us"].as_f64()),
    column("drain/s", 9, 0, |case| case["drained_per_second"].as_f64()),
    column("conn KiB", 10, 1, |case| case["kib_each"].as_f64()),
    column("postfix's", 10, 1, |case| case["postfix_kib_each"].as_f64()),
];

fn ratio(case: &Value, to: &str) -> Option<f64> {
    Some(case["per_second"].as_f64()? / case[to].as_f64()?)
}

/// The first line of the table.
pub(super) fn head() -> String {
    let titles = COLUMNS.iter().map(|column| {
        let (title, width) = (column.title, column.width);
        format!("{title:>width$}")
    });
    format!("{:<12}", "case") + &titles.collect::<String>()
}

/// The line of a case. What was not measured is empty.
pub(super) fn line(case: &Value) -> String {
    let values = COLUMNS.iter().map(|column| {
        let (width, digits) = (column.width, column.digits);
        match (column.value)(case) {
            Some(value) => format!("{value:>width$.digits$}"),
            None => " ".repeat(width),
        }
    });
    let name = case["case"].as_str().unwrap_or_default();
    format!("{name:<12}") + values.collect::<String>().trim_end()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{head, line};

    #[test]
    fn values_stand_under_their_titles() {
        let case = json!({
            "case": "kept", "per_second": 5000.4, "p50_ms": 1.5, "p99_ms": 3.25,
            "ceiling": 20000.0, "postfix_per_second": 1000.0, "peak_mib": 41.0, "syncs": null,
        });
        assert_eq!(
            head(),
            "case           msg/s   p50 ms   p99 ms  ceiling  % of it  postfix   x it  cpu s/1k  peak MiB   syncs      KiB  more us  drain/s  conn KiB postfix's"
        );
        assert_eq!(
            line(&case),
            "kept            5000     1.50     3.25    20000       25     1000    5.0                41.0"
        );
    }
}
