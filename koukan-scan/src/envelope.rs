//! Who sends a message, and to whom: [`Envelope`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use koukan_core::{
    context::Context,
    path::{ForwardPath, ReversePath},
    reply::Rejection,
    signals::TraceId,
    transaction::{Rcpt, Transaction},
};

/// What is known of a message beside its octets.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The facts of the session.
    pub context: Arc<Context>,
    /// Who sends it.
    pub reverse_path: ReversePath,
    /// The trace id, which names the message in logs.
    pub trace_id: TraceId,
    recipients: Arc<Mutex<Vec<ForwardPath>>>,
}

impl Envelope {
    /// Watches a transaction to collect the recipients that were accepted.
    pub(crate) fn watch(tx: Transaction) -> (Transaction, Self) {
        let envelope = Self {
            context: Arc::clone(&tx.context),
            reverse_path: tx.mail.reverse_path().clone(),
            trace_id: TraceId::of(&tx.signals),
            recipients: Arc::default(),
        };
        let (adding, leaving) = (envelope.clone(), envelope.clone());
        let tx = tx.filter_recipients(move |rcpt: &Rcpt| {
            adding.lock().push(rcpt.forward_path.clone());
            Ok::<(), Rejection>(())
        });
        let tx = tx.map_recipient_replies(move |rcpt, reply| {
            if !reply.is_positive() {
                let mut recipients = leaving.lock();
                let at = recipients
                    .iter()
                    .position(|path| *path == rcpt.forward_path);
                if let Some(at) = at {
                    recipients.remove(at);
                }
            }
            reply
        });
        (tx, envelope)
    }

    /// The recipients, `max` at most.
    pub fn recipients(&self, max: usize) -> Vec<ForwardPath> {
        self.lock().iter().take(max).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ForwardPath>> {
        let recipients = self.recipients.lock();
        recipients.unwrap_or_else(PoisonError::into_inner)
    }
}
