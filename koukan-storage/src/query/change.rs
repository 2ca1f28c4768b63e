//! Changes of transactions by whoever operates the agent, many at a time.

use crate::database::Dialect;

use super::Statement;

/// What is known of transactions. Binds their ids; gives id, work or null where it is
/// final, whether it is under lease, whether it is held, whether it goes to what is suspended.
pub(crate) static JUDGE: Statement = Statement::new(|dialect| {
    let is_one = dialect.is_one_of("id", "?");
    let lock = dialect.choose("", " ORDER BY id FOR NO KEY UPDATE");
    format!(
        "SELECT id, CASE WHEN final_reason IS NULL THEN work END, lease_session IS NOT NULL, \
     held IS NOT NULL, \
         coalesce(work = 'attempt' AND host IN (SELECT host FROM suspensions), FALSE) \
         FROM transactions WHERE {is_one}{lock}"
    )
});

/// Makes transactions due. Binds now; their ids.
pub(crate) static RETRY: Statement = Statement::new(|dialect| {
    let least = dialect.least();
    change(dialect, &format!("due_at = {least}(due_at, ?)"))
});

/// Holds transactions. Binds now; their ids.
pub(crate) static HOLD: Statement = Statement::new(|dialect| change(dialect, "held = ?"));

/// Holds transactions no longer, and makes them due. Binds now; their ids.
pub(crate) static RELEASE_HELD: Statement = Statement::new(|dialect| {
    let least = dialect.least();
    change(
        dialect,
        &format!("held = NULL, due_at = {least}(due_at, ?)"),
    )
});

fn change(dialect: Dialect, what: &str) -> String {
    let is_one = dialect.is_one_of("id", "?");
    format!("UPDATE transactions SET {what} WHERE {is_one}")
}
