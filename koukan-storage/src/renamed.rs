//! Destinations of transactions that earlier versions have stored under another spelling.
//!
//! They compared domains by their text in lower case. Now all spellings of an international domain have one name, by
//! which queued transactions are found. It is no part of a migration, since SQL cannot compute it.

use koukan_core::path::domain_key;

use crate::{
    database::Connection,
    query::{FIND_DESTINATIONS, RENAME_DESTINATION, Values},
};

/// Renames the destinations of transactions that are not final. Other processes may do the same.
pub(crate) async fn rename_destinations(connection: &mut Connection) -> Result<(), sqlx::Error> {
    let found = FIND_DESTINATIONS.execute(connection, Values::default());
    for row in found.await?.rows {
        let earlier: &str = row.try_get(0)?;
        // Hosts with ports, and paths, are compared as before.
        let present = domain_key(earlier);
        if earlier.contains(':') || present == earlier {
            continue;
        }
        let mut values = Values::default();
        values.add(&*present).add(&*present).add(earlier);
        let renamed = RENAME_DESTINATION.execute(connection, values).await?;
        tracing::info!(
            transactions = renamed.affected,
            earlier,
            present,
            "renamed what was queued under another spelling"
        );
    }
    Ok(())
}
