//! Suppressed addresses, to which senders send nothing.

use super::Statement;

/// Writes one, replacing an earlier one for the same address. Binds sender, address, since, until,
/// reason.
pub(crate) static KEEP_SUPPRESSION: Statement = Statement::new(|_| {
    "INSERT INTO suppressions (sender, address, since, until, reason) VALUES (?, ?, ?, ?, ?) \
         ON CONFLICT (sender, address) DO UPDATE SET since = excluded.since, \
         until = excluded.until, reason = excluded.reason"
        .into()
});

/// Removes one. Binds sender, address.
pub(crate) static REMOVE_SUPPRESSION: Statement =
    Statement::new(|_| "DELETE FROM suppressions WHERE sender = ? AND address = ?".into());

/// Lists them, in descending order of their end. Binds limit; gives sender, address, since, until,
/// reason.
pub(crate) static LIST_SUPPRESSIONS: Statement = Statement::new(|_| {
    "SELECT sender, address, since, until, reason FROM suppressions ORDER BY until DESC LIMIT ?"
        .into()
});

/// Removes some that have ended, and some of those beyond the limit. Binds now, how many are kept.
pub(crate) static DELETE_SUPPRESSIONS: Statement = Statement::new(|_| {
    "DELETE FROM suppressions WHERE (sender, address) IN (\
     SELECT * FROM (SELECT sender, address FROM suppressions WHERE until <= ?1 LIMIT 1000) AS ended \
     UNION ALL SELECT * FROM (SELECT sender, address FROM suppressions \
     ORDER BY until DESC LIMIT 1000 OFFSET ?2) AS others)"
        .into()
});
