//! Changes of transactions by whoever operates the agent, many at a time.

use super::Statement;

/// What is known of transactions. Binds an array of their ids, in JSON; gives id, work or null where it is
/// final, whether it is under lease, whether it is held, whether it goes to what is suspended.
pub(crate) static JUDGE: Statement = Statement::new(|| {
    "SELECT id, CASE WHEN final_reason IS NULL THEN work END, lease_session IS NOT NULL, \
     held IS NOT NULL, work = 'attempt' AND host IN (SELECT host FROM suspensions) \
     FROM transactions WHERE id IN (SELECT value FROM json_each(?))"
        .into()
});

/// Makes transactions due. Binds now; an array of ids.
pub(crate) static RETRY: Statement = Statement::new(|| change("due_at = min(due_at, ?)"));

/// Holds transactions. Binds now; an array of ids.
pub(crate) static HOLD: Statement = Statement::new(|| change("held = ?"));

/// Holds transactions no longer, and makes them due. Binds now; an array of ids.
pub(crate) static RELEASE_HELD: Statement =
    Statement::new(|| change("held = NULL, due_at = min(due_at, ?)"));

fn change(what: &str) -> String {
    format!("UPDATE transactions SET {what} WHERE id IN (SELECT value FROM json_each(?))")
}
