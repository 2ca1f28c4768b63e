//! The outcome for a leased transaction, to be written.

use std::sync::Arc;

use koukan_core::storage::{
    BackendError, Searched,
    record::{SessionId, Settlement, TransactionId, Work},
};

use crate::query::Values;

use super::{
    attempt::NewAttempt,
    event::EventRow,
    malformed::to_json,
    recipient::recipient_rows,
    status::{StatusRow, work_as_str},
    time::micros,
    transaction::{Telling, TransactionRow},
};

pub(crate) struct SettlementRow {
    pub(crate) lease: LeaseRow,
    recipients: Arc<str>,
    pub(crate) attempt: Option<NewAttempt>,
    /// Empty where the attempt got no reply.
    last_reply: Option<String>,
    status: StatusRow,
    final_since: Option<i64>,
    pub(crate) notification: Option<TransactionRow>,
    pub(crate) events: Vec<Arc<EventRow>>,
}

/// The right to work on a transaction.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct LeaseRow {
    id: String,
    session: String,
    fence: i64,
}

impl SettlementRow {
    /// # Errors
    ///
    /// As [`TransactionRow::new`] for the notification.
    pub(crate) fn new(settlement: Settlement, telling: Telling) -> Result<Self, BackendError> {
        let final_since = settlement.final_since();
        let notification = settlement.notification;
        let attempt = settlement.attempt.as_ref();
        let last_reply = attempt.map(|attempt| {
            let reply = Searched::last_reply(&settlement.recipients, Some(attempt));
            reply.unwrap_or_default()
        });
        let events = match telling {
            Telling::Nothing => Vec::new(),
            _ => EventRow::rows(&settlement.events),
        };
        Ok(Self {
            events,
            last_reply,
            recipients: to_json(&recipient_rows(&settlement.recipients)),
            attempt: attempt.map(NewAttempt::new),
            status: (&settlement.status).into(),
            final_since: final_since.map(micros),
            lease: LeaseRow::new(settlement.id, settlement.session, settlement.fence),
            notification: notification
                .map(|new| TransactionRow::new(*new, telling))
                .transpose()?,
        })
    }

    /// Leaves out what was said in the attempt.
    pub(crate) fn leave_out_conversation(&mut self) {
        if let Some(attempt) = &mut self.attempt {
            attempt.conversation = None;
        }
    }

    /// The events of the transaction, then those of the notification.
    pub(crate) fn all_events(&self) -> impl Iterator<Item = &Arc<EventRow>> {
        let notification = self.notification.iter();
        self.events
            .iter()
            .chain(notification.flat_map(|new| &new.events))
    }

    pub(crate) fn weight(&self) -> usize {
        let notification = self.notification.as_ref().map_or(0, TransactionRow::weight);
        let attempt = self.attempt.as_ref();
        let attempt = attempt.map_or(0, NewAttempt::weight);
        let events = self.events.iter().map(|event| event.weight());
        notification + attempt + self.recipients.len() + events.sum::<usize>()
    }

    /// Binds the values of [`SETTLE`](crate::query::SETTLE).
    pub(crate) fn bind(&self, values: &mut Values) {
        values
            .add(Arc::clone(&self.recipients))
            .add(i64::from(self.attempt.is_some()))
            .add(self.attempt.as_ref().map(|attempt| attempt.ended))
            .add(self.last_reply.as_deref());
        self.status.bind(values);
        values
            .add(self.final_since)
            .add(self.status.work == Some(work_as_str(Work::Attempt)));
        self.lease.bind(values);
    }
}

impl SettlementRow {
    /// Binds the values of [`ADD_ATTEMPT`](crate::query::ADD_ATTEMPT), if an attempt was made.
    pub(crate) fn bind_attempt(&self, values: &mut Values) {
        if let Some(attempt) = &self.attempt {
            attempt.bind_rest(values);
            values.add(self.lease.id.as_str());
        }
    }
}

impl LeaseRow {
    pub(crate) fn new(id: TransactionId, session: SessionId, fence: u64) -> Self {
        Self {
            id: id.to_string(),
            session: session.to_string(),
            fence: fence.cast_signed(),
        }
    }

    pub(super) fn of_row(id: &str, session: SessionId, fence: i64) -> Self {
        Self {
            id: id.into(),
            session: session.to_string(),
            fence,
        }
    }

    pub(crate) fn bind(&self, values: &mut Values) {
        values
            .add(self.id.as_str())
            .add(self.session.as_str())
            .add(self.fence);
    }
}
