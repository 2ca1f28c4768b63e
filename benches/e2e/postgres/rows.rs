//! The rows that an agent writes for a message, and scripts for `pgbench` that write similar ones.

use serde_json::{Map, Value};

use crate::Failed;

use super::server::execute;

/// The tables with a message's rows, in the order in which an agent writes them; the condition that
/// finds the rows; and the columns whose values differ between messages.
const TABLES: [(&str, &str, &[OwnColumn]); 4] = [
    (
        "blobs",
        "id = (SELECT blob_id FROM one)",
        &[("id", Own::Blob)],
    ),
    (
        "chunks",
        "blob_id = (SELECT blob_id FROM one)",
        &[("blob_id", Own::Blob), ("octets", Own::Octets)],
    ),
    (
        "transactions",
        "id = (SELECT id FROM one)",
        &[("id", Own::Message), ("blob_id", Own::Blob)],
    ),
    (
        "attempts",
        "transaction_id = (SELECT id FROM one)",
        &[("transaction_id", Own::Message)],
    ),
];

/// A column, and how its value differs between messages.
type OwnColumn = (&'static str, Own);

#[derive(Debug, Clone, Copy)]
enum Own {
    Message,
    Blob,
    Octets,
}

/// The rows of one message.
pub(super) struct Rows {
    rows: Vec<Row>,
    octets: usize,
}

struct Row {
    table: &'static str,
    values: Map<String, Value>,
    /// The columns whose values differ between messages.
    own: &'static [(&'static str, Own)],
}

impl Rows {
    /// The rows of a message that an agent has written to a database.
    pub(super) fn of(database: &str) -> Result<Self, Failed> {
        let (mut rows, mut octets) = (Vec::new(), 0);
        for (table, is_its, own) in TABLES {
            let told = execute(
                database,
                &format!(
                    "WITH one AS (SELECT id, blob_id FROM transactions ORDER BY id LIMIT 1) \
                     SELECT to_jsonb({table}) FROM {table} WHERE {is_its}"
                ),
            );
            for line in told.lines() {
                let values: Map<_, _> = serde_json::from_str(line)?;
                if let Some(Value::String(hexadecimal)) = values.get("octets") {
                    octets += hexadecimal.len().saturating_sub(2) / 2;
                }
                rows.push(Row { table, values, own });
            }
        }
        match rows.is_empty() {
            true => Err("no message was committed".into()),
            false => Ok(Self { rows, octets }),
        }
    }

    /// The octets of a message, which each commit sends anew, as an agent does.
    pub(super) fn octets(&self) -> String {
        "x".repeat(self.octets)
    }

    /// A script that commits this many messages in one statement: the fastest way.
    pub(super) fn script(&self, together: u32) -> String {
        let parts = self.rows.iter().enumerate().map(|(at, row)| {
            let names: Vec<_> = row.values.keys().map(String::as_str).collect();
            let values = row.values.iter().map(|(name, value)| {
                let own = row.own.iter().find(|(column, _)| column == name);
                match own {
                    Some((_, own)) => own.value(),
                    None => literal(value),
                }
            });
            let (names, values) = (names.join(", "), values.collect::<Vec<_>>().join(", "));
            let table = row.table;
            format!(
                "w{at} AS (INSERT INTO {table} ({names}) SELECT {values} \
                 FROM generate_series(1, {together}) AS i)"
            )
        });
        let parts = parts.collect::<Vec<_>>().join(",\n");
        // Identities like the agent's: the milliseconds since 1970, and random digits.
        format!(
            "\\set message random(1, 4000000000000000000)\n\
             \\set blob random(1, 4000000000000000000)\n\
             WITH {parts} SELECT 1;\n"
        )
    }
}

impl Own {
    fn value(self) -> String {
        let id = |name: &str| {
            format!(
                "lpad(to_hex((extract(epoch FROM statement_timestamp()) * 1000)::bigint), 10, '0') || \
                 lpad(to_hex(hashint8extended(i, :{name}::bigint)), 16, '0')"
            )
        };
        match self {
            Self::Message => id("message"),
            Self::Blob => id("blob"),
            Self::Octets => "convert_to(:octets::text, 'UTF8')".into(),
        }
    }
}

/// A value for a script. A colon would begin the name of a `pgbench` variable, even within a text.
fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let text = text.replace('\\', r"\\").replace('\'', r"\'");
            format!("E'{}'", text.replace(':', r"\072"))
        }
        Value::Null => "NULL".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            limit::{Length, Limit},
            server::{self, execute},
        },
        Rows,
    };

    const SCHEMA: [&str; 2] = [
        include_str!("../../../koukan-storage/migrations/postgres/0019_baseline.sql"),
        include_str!("../../../koukan-storage/migrations/postgres/0024_commits.sql"),
    ];

    const MESSAGE: &str = r#"
        INSERT INTO blobs VALUES ('b', 5, TRUE, 7);
        INSERT INTO chunks VALUES ('b', 0, '\x0001ff2741');
        INSERT INTO attempts VALUES ('t', 1, 7, 8, NULL, '[::1]:25', '{"a":"it''s \\ :x 12:30"}', NULL);
        INSERT INTO transactions (id, created, context, mail, recipients, prefix, blob_id, body_len, retry, notify,
            attempt_count, crash_count, due_at, work, lease_fence, destination, reverse_path, forward_paths, host)
        VALUES ('t', 7, '{"a":1}', '{}', '[]', '\x0d0a3a', 'b', 8, TRUE, FALSE, 1, 0, 9, 'attempt', 0, 'd', 'r', E'\nf\n', 'h')
    "#;

    /// All of a message except what differs between messages; the octets are represented by their number.
    const LIKE: &str = "SELECT to_jsonb(t) - 'id' - 'blob_id', to_jsonb(a) - 'transaction_id', \
        to_jsonb(b) - 'id', length(octets), start FROM transactions t JOIN attempts a ON a.transaction_id = t.id \
        JOIN blobs b ON b.id = t.blob_id JOIN chunks c ON c.blob_id = b.id";

    #[test]
    fn what_is_compared_with_is_like_what_agents_write() {
        let database = server::database();
        for script in SCHEMA {
            execute(&database, script);
        }
        execute(&database, MESSAGE);
        let wanted = execute(&database, LIKE);
        let rows = Rows::of(&database).unwrap();
        execute(&database, "TRUNCATE transactions, attempts, blobs, chunks");
        let mut written = 0;
        for together in [1, 3] {
            let limit = Limit {
                name: "",
                clients: 2,
                together,
                seconds: 0,
            };
            limit.commit(&database, &rows, Length::Commits(4)).unwrap();
            written += 2 * 4 * together as usize;
            let all = execute(&database, LIKE);
            assert_eq!(all.lines().count(), written, "{all}");
            assert!(
                all.lines().all(|line| line == wanted.trim_end()),
                "{all}{wanted}"
            );
        }
    }
}
