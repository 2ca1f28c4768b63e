//! Suspensions and suppressions that changed.

use super::Statement;

/// The channel by which PostgreSQL notifies other processes of committed changes.
#[cfg(feature = "postgres")]
pub(crate) const BANS_CHANNEL: &str = "koukan_bans";

/// How many changes are kept, as the triggers of the database have it.
pub(crate) const BANS_KEPT: u32 = 10_000;

/// Lists what has changed, in a database that several processes share. Binds the number of the change after which they
/// come; gives the last number, and for each change its sender or null, and its name; of a suspension since when, and
/// who; of a suppression since when, until when, and the reason. Without changes, the last number only.
pub(crate) static BANS_CHANGED: Statement = Statement::new(|_| {
    "SELECT last, changed.sender, name, suspensions.since, suspended_by, suppressions.since, until, reason \
     FROM ban_numbers LEFT JOIN ban_changes AS changed ON number > ? \
     LEFT JOIN suspensions ON changed.sender IS NULL AND suspensions.host = name \
     LEFT JOIN suppressions ON suppressions.sender = changed.sender AND address = name \
     ORDER BY number"
        .into()
});
