//! Destinations: which are suspended, and how much is queued for each.

use crate::database::Dialect;

use super::Statement;

/// Writes a suspension, unless the host has one. Binds host, since, who.
pub(crate) static SUSPEND: Statement =
    Statement::new(|_| "INSERT INTO suspensions VALUES (?, ?, ?) ON CONFLICT DO NOTHING".into());

/// Ends a suspension. Binds host.
pub(crate) static RESUME: Statement =
    Statement::new(|_| "DELETE FROM suspensions WHERE host = ?".into());

/// Lists suspensions. Gives host, since, who.
pub(crate) static LIST_SUSPENSIONS: Statement =
    Statement::new(|_| "SELECT host, since, suspended_by FROM suspensions ORDER BY host".into());

/// Counts the queue by host or domain: first the suspended ones, then those with the most transactions.
/// Binds now, limit; gives host, queued, active, held, due, the next time, the last attempt's outcome.
pub(crate) static COUNT_DESTINATIONS: Statement =
    Statement::new(|dialect| count(dialect, "host > ''"));

/// As [`COUNT_DESTINATIONS`], for one. Binds now, limit, host.
pub(crate) static COUNT_DESTINATION: Statement =
    Statement::new(|dialect| count(dialect, "host = ?3"));

/// Lists the hosts outside of ASCII of transactions that are not final, by an index alone. Gives host.
pub(crate) static FIND_DESTINATIONS: Statement = Statement::new(|dialect| {
    let octets = dialect.choose("length(CAST(host AS BLOB))", "octet_length(host)");
    format!(
        "SELECT DISTINCT host FROM transactions \
         WHERE final_reason IS NULL AND {octets} <> length(host)"
    )
});

/// Renames a host, with which destinations end. Binds the host twice, and the earlier host.
pub(crate) static RENAME_DESTINATION: Statement = Statement::new(|_| {
    "UPDATE transactions \
     SET host = ?, destination = substr(destination, 1, length(destination) - length(host)) || ? \
     WHERE host = ? AND final_reason IS NULL"
        .into()
});

/// Everything is counted in an index that leases do not change. Leased transactions are few, and are
/// subtracted.
fn count(dialect: Dialect, which: &str) -> String {
    let plus = dialect.choose("+", "");
    let counts = "count(*) FILTER (WHERE held IS NOT NULL) AS held, \
        count(*) FILTER (WHERE held IS NULL AND work = 'attempt' AND due_at <= ?1) AS due";
    format!(
        "WITH active AS MATERIALIZED (\
            SELECT host, count(*) AS active, {counts} FROM transactions \
            WHERE lease_session IS NOT NULL AND {plus}{which} GROUP BY host), \
        counted AS (\
            SELECT host, host IN (SELECT host FROM suspensions) AS is_suspended, \
            count(*) AS queued, {counts}, \
            min(CASE WHEN held IS NULL AND work = 'attempt' AND due_at > ?1 THEN due_at END) AS next \
            FROM transactions WHERE final_reason IS NULL AND {which} \
            GROUP BY host ORDER BY 2 DESC, 3 DESC, host LIMIT ?2) \
        SELECT host, queued, coalesce(active, 0), counted.held - coalesce(active.held, 0), \
        counted.due - coalesce(active.due, 0), next, (\
            SELECT outcome FROM attempts WHERE (transaction_id, number) = (\
                SELECT id, attempt_count FROM transactions AS last \
                WHERE last.final_reason IS NULL AND last.host = counted.host \
                AND last.attempted IS NOT NULL ORDER BY attempted DESC LIMIT 1)) \
        FROM counted LEFT JOIN active USING (host) ORDER BY is_suspended DESC, queued DESC, host"
    )
}
