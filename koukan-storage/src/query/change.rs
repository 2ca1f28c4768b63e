//! Bulk changes of transactions by operators.

use koukan_core::storage::record::Work;

use crate::{database::Dialect, row::work_as_str};

use super::Statement;

/// Reads what decides about a change. Binds ids; gives id, work (null where the transaction is
/// final), whether it is leased, whether it is held, whether its destination is suspended,
/// its recipients.
pub(crate) static JUDGE: Statement = Statement::new(|dialect| {
    let is_one = dialect.is_one_of("id", "?");
    let lock = dialect.choose("", " ORDER BY id FOR NO KEY UPDATE");
    format!(
        "SELECT id, CASE WHEN final_reason IS NULL THEN work END, lease_session IS NOT NULL, \
     held IS NOT NULL, \
         coalesce(work = 'attempt' AND host IN (SELECT host FROM suspensions), FALSE), \
         recipients FROM transactions WHERE {is_one}{lock}"
    )
});

/// Makes transactions due now. Binds now; their ids.
pub(crate) static RETRY: Statement = Statement::new(|dialect| {
    let least = dialect.least();
    change(dialect, &format!("due_at = {least}(due_at, ?)"))
});

/// Holds transactions. Binds now; their ids.
pub(crate) static HOLD: Statement = Statement::new(|dialect| change(dialect, "held = ?"));

/// Releases transactions, and makes them due, but not before their earliest time. Binds now; their ids.
pub(crate) static RELEASE_HELD: Statement = Statement::new(|dialect| {
    let (least, greatest) = (dialect.least(), dialect.greatest());
    let earliest = earliest();
    change(
        dialect,
        &format!("held = NULL, due_at = {least}(due_at, {greatest}({earliest}, ?))"),
    )
});

/// The time before which a transaction must not be sent; for others a time before all others.
pub(super) fn earliest() -> String {
    format!(
        r#"CASE WHEN "work" = '{}' AND "due_at" >= "send_at" THEN "send_at" ELSE {} END"#,
        work_as_str(Work::Attempt),
        i64::MIN + 1,
    )
}

fn change(dialect: Dialect, what: &str) -> String {
    let is_one = dialect.is_one_of("id", "?");
    format!("UPDATE transactions SET {what} WHERE {is_one}")
}
