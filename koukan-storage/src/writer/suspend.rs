//! Suspended destinations.

use koukan_core::storage::record::SuspensionChange;

use crate::{
    query::{RESUME, SUSPEND, Values},
    row::micros,
};

use super::{BatchWriter, operation::Pending};

impl BatchWriter {
    pub(super) async fn change_suspensions(
        &mut self,
        changes: &mut [Pending<SuspensionChange, ()>],
    ) -> Result<(), sqlx::Error> {
        for change in changes {
            let mut values = Values::default();
            let statement = match &change.request {
                SuspensionChange::Suspend(suspension) => {
                    values
                        .add(&*suspension.host)
                        .add(micros(suspension.since))
                        .add(&*suspension.by);
                    &SUSPEND
                }
                SuspensionChange::Resume(host) => {
                    values.add(&**host);
                    &RESUME
                }
            };
            statement.execute(&mut self.connection, values).await?;
            change.decide(Ok(()));
        }
        Ok(())
    }
}
