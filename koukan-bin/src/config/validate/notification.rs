//! Checks that failures can be reported that come after the reply to the client.

use super::Check;
use crate::config::Place;

impl Check<'_> {
    /// Checks a configuration without `notification`: no mail may be kept.
    pub(super) fn without_notification(&mut self) {
        let mut kept = self.promises();
        kept.extend(self.database());
        if let Some((place, what)) = kept.into_iter().next() {
            let message = format!(
                "`notification` is missing: {what}, and senders must hear of it when delivery fails"
            );
            let help = "add `notification: { sender: NAME }`, with a sender whose chain delivers to every domain";
            self.wrong(&place, message, Some(help.into()));
        }
    }

    /// The database, with the reason why it concerns senders.
    fn database(&self) -> Option<(Place<()>, String)> {
        let storage = &self.config.storage;
        let of_file = storage.sqlite.as_ref().map(Place::place);
        let place = of_file.or_else(|| storage.postgres.as_ref().map(|it| it.url.place()));
        Some((place?, "the database may hold mail".into()))
    }
}
