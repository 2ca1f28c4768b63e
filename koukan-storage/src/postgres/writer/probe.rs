//! Whether a message could be written.

use std::sync::atomic::Ordering;

use crate::{
    query::{BEGIN, ROLLBACK, Values},
    writer::Pending,
};

use super::{super::error::Cause, hand::Hand};

impl Hand {
    /// Tells whether a message could be written. As with SQLite, beginning a commit is enough proof while
    /// writing works.
    pub(super) async fn probe(&mut self, probes: Vec<Pending<(), ()>>) {
        let result = self.try_to_write().await;
        for mut probe in probes {
            probe.decide(result.clone().map_err(Into::into));
            probe.answer();
        }
    }

    async fn try_to_write(&mut self) -> Result<(), Cause> {
        let until = self.link.outage.writing_until();
        self.connect(until).await?;
        let is_failing = self.is_failing.load(Ordering::Relaxed);
        let trying = async {
            if is_failing {
                return self.batches.write_trial().await;
            }
            let connection = &mut self.batches.connection;
            BEGIN.execute(connection, Values::default()).await?;
            ROLLBACK.execute(connection, Values::default()).await?;
            Ok(())
        };
        let (process, pulse, silence) = (self.process, &self.link.pulse, self.link.silence);
        match pulse.answer(process, (silence, until), trying).await {
            Ok(()) if is_failing => {
                self.link.outage.is_written();
                self.is_failing.store(false, Ordering::Relaxed);
                self.fullness.note(false);
                Ok(())
            }
            Ok(()) => {
                self.link.outage.is_there();
                Ok(())
            }
            Err(cause) if cause.is_lost() => Err(self.lose(cause)),
            Err(cause) => {
                self.roll_back(until).await;
                Err(cause)
            }
        }
    }
}
