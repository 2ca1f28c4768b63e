//! Notifications to the reverse-path.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use memchr::memmem;

use crate::{
    blob::BlobId,
    body::Body,
    causes::Causes,
    context::{Context, Sender},
    envelope::dsn::Return,
    message::dsn::{Action, Report, Reported, Words, failed_recipients, is_notification},
    path::{ForwardPath, Parameter, ReversePath},
    reply::{Handover, Reply},
    signals::{Carried, TraceId},
    storage::{
        Lease,
        record::{
            Attempt, BlobContent, Due, NewBody, NewTransaction, Recipient, RecipientOutcome,
            Status, Terms, TransactionId, Work,
        },
    },
    transaction::{Mail, Rcpt},
};

use super::{delayed::Delayed, report};

/// How much of a message is read for a notification, in octets.
const BEGINNING_MAX: usize = 64 << 10;
/// The largest message that is returned as a whole, in octets; of a larger one the header is
/// returned.
const RETURNED_MAX: usize = 256 << 10;

/// How senders are notified.
#[derive(Debug, Clone)]
pub struct Notifications {
    /// The name by which this agent reports (RFC 3464 section 2.2.2).
    pub reporting_mta: Box<str>,
    /// The sender of notifications, which selects their chain.
    pub sender: Sender,
}

/// The message that a notification is about.
#[derive(Debug)]
pub(super) struct Told<'a> {
    pub(super) mail: &'a Mail,
    pub(super) trace_id: TraceId,
    /// The transaction in storage, where it is about one.
    pub(super) transaction: Option<TransactionId>,
    pub(super) arrived: Timestamp,
    pub(super) now: Timestamp,
}

/// Writes notifications.
#[derive(Debug, Clone)]
pub(super) struct Notifier {
    /// `None` if senders are never notified.
    pub(super) notifications: Option<Notifications>,
    /// The texts.
    pub(super) words: Words,
}

impl Notifier {
    /// The notification for a transaction whose recipients are settled, together with other transactions in
    /// the same notification; `None` if nobody is to be notified.
    pub(super) async fn make(&self, lease: &Lease) -> Option<NewTransaction> {
        let settled = lease.told_together().flat_map(|lease| {
            let last = lease.last_attempt().map(|attempt| attempt.ended);
            let recipients = lease.recipients().into_iter();
            recipients.map(move |recipient| (recipient, last))
        });
        let told: Vec<_> = settled.filter(|(it, _)| it.is_to_be_told()).collect();
        let reported = told.iter().filter_map(|(recipient, last)| {
            let reply = recipient.settled.as_ref()?;
            Some(Reported {
                rcpt: &recipient.rcpt,
                action: ended(reply),
                reply,
                last_attempt: *last,
            })
        });
        let reported: Vec<_> = reported.collect();
        let notification = self.report_of(lease, &reported).await;
        notification.map(|notification| *notification)
    }

    /// The notification of delay for the recipients of these transactions that are still to be delivered. They belong
    /// to one message.
    pub(super) async fn of_delay(&self, told: &[&Delayed]) -> Option<Box<NewTransaction>> {
        let all = told.iter().flat_map(|delayed| {
            let recipients = delayed.recipients().into_iter();
            recipients.map(move |(rcpt, reply)| (*delayed, rcpt, reply))
        });
        let all: Vec<_> = all.collect();
        let reported = all.iter().map(|(delayed, rcpt, reply)| Reported {
            rcpt,
            action: Action::Delayed(delayed.until),
            reply,
            last_attempt: Some(delayed.end.attempt.ended),
        });
        let reported: Vec<_> = reported.collect();
        self.report_of(&told.first()?.lease, &reported).await
    }

    async fn report_of(
        &self,
        lease: &Lease,
        recipients: &[Reported<'_>],
    ) -> Option<Box<NewTransaction>> {
        if recipients.is_empty() {
            return None;
        }
        let body = lease.body().map(Body::from);
        self.report(&told(lease), body, recipients).await
    }

    /// The notification about these recipients; `None` if there are none, or nobody is to be notified:
    /// the null reverse-path, or the sender of a notification.
    pub(super) async fn report(
        &self,
        told: &Told<'_>,
        body: Option<Body>,
        recipients: &[Reported<'_>],
    ) -> Option<Box<NewTransaction>> {
        let ReversePath::Mailbox(to) = &told.mail.reverse_path else {
            return None;
        };
        if recipients.is_empty() {
            return None;
        }
        let Some(notifications) = &self.notifications else {
            let about: Vec<_> = recipients.iter().map(|it| &it.rcpt.forward_path).collect();
            tracing::warn!(id = %told.trace_id, %to, ?about, "no notification is sent: there is no sender for it");
            return None;
        };
        let is_full = told.mail.to_return() == Some(Return::Full);
        let (original, is_whole) = match is_full {
            true => beginning(told, body, RETURNED_MAX, |_| false).await,
            false => beginning(told, body, BEGINNING_MAX, holds_header).await,
        };
        if is_notification(&original) {
            let about: Vec<_> = recipients.iter().map(|it| &it.rcpt.forward_path).collect();
            tracing::warn!(id = %told.trace_id, %to, ?about, "no notification is sent about a notification");
            return None;
        }
        let id = TransactionId::random();
        let template = self.words.template();
        let report = Report {
            reporting_mta: &notifications.reporting_mta,
            unique: &id.to_string(),
            id: &told.trace_id.to_string(),
            now: told.now,
            arrived: told.arrived,
            mail: told.mail,
            to,
            recipients,
            original: &original,
            is_whole,
            template: &template,
        };
        let message = report.build();
        let ids = (id, told.trace_id);
        let sender = notifications.sender.clone();
        Some(Box::new(transaction(ids, sender, &report, message)))
    }

    /// Whether this attempt loses a stored message from the null reverse-path, such as a
    /// notification: nobody will hear of it.
    pub(super) fn is_lost(lease: &Lease, attempt: &Attempt, is_last: bool) -> bool {
        lease.mail().reverse_path.is_null()
            && lease.terms().is_some()
            && is_lost(lease, attempt, is_last)
    }

    /// Reports that such a message is lost.
    pub(super) async fn tell_of_loss(lease: &Lease, attempt: &Attempt) {
        let body = lease.body().map(Body::from);
        let beginning = beginning(&told(lease), body, BEGINNING_MAX, |_| false).await;
        let about = failed_recipients(&beginning.0);
        report::lost(lease, attempt, &about);
    }
}

/// What has happened to a message whose delivery ended with this reply.
pub(super) fn ended(reply: &Reply) -> Action {
    match reply.handover() {
        _ if reply.is_negative() => Action::Failed,
        Some(Handover::Delivered) => Action::Delivered,
        _ => Action::Relayed,
    }
}

/// A notification as it goes into the queue.
fn transaction(
    (id, trace_id): (TransactionId, TraceId),
    sender: Sender,
    notice: &Report<'_>,
    message: Bytes,
) -> NewTransaction {
    NewTransaction {
        id,
        created: notice.now,
        context: Arc::new(Context::new(sender)),
        // It is about that message, and found in logs by the same id.
        signals: Carried::of_trace(trace_id),
        mail: null_mail(notice),
        recipients: vec![Recipient {
            rcpt: Rcpt::new(ForwardPath::Mailbox(notice.to.clone())),
            settled: None,
        }],
        body: Some(NewBody::message(
            BlobId::random(),
            message.len() as u64,
            BlobContent::Inline(vec![message]),
        )),
        message_key: None,
        terms: Terms {
            retry: true,
            notify: false,
        },
        attempts: Vec::new(),
        status: Status::Due(Due {
            at: notice.now,
            work: Work::Attempt,
        }),
        leased_by: None,
        idempotency_key: None,
    }
}

/// The MAIL command of a notification, with the parameters that it needs.
fn null_mail(report: &Report<'_>) -> Mail {
    let mut mail = Mail::new(ReversePath::Null);
    let needs = [
        ("BODY", Some("8BITMIME"), report.is_international()),
        ("SMTPUTF8", None, report.is_international()),
        // It is about a message that must be equally protected: RFC 8689 section 5.
        ("REQUIRETLS", None, report.mail.parameters.is_requiretls()),
    ];
    for (keyword, value, _) in needs.into_iter().filter(|(_, _, is_needed)| *is_needed) {
        let parameter = Parameter::new(keyword, value);
        // Both are well-formed, and each is there once.
        let _ = parameter.and_then(|parameter| mail.parameters.push(parameter));
    }
    mail
}

fn told(lease: &Lease) -> Told<'_> {
    Told {
        mail: lease.mail(),
        trace_id: lease.trace_id(),
        transaction: Some(lease.id()),
        arrived: lease.created(),
        now: lease.storage().clock().now(),
    }
}

/// The beginning of a message, up to `max` octets or until `is_enough`. A read error must not prevent
/// the notification, so it ends there. Also returns whether this is the whole message.
async fn beginning(
    told: &Told<'_>,
    body: Option<Body>,
    max: usize,
    is_enough: impl Fn(&[u8]) -> bool,
) -> (Bytes, bool) {
    let Some(mut body) = body else {
        return (Bytes::new(), false);
    };
    let mut head = BytesMut::new();
    let mut is_whole = false;
    // One octet more tells whether this is the whole message.
    while head.len() <= max && !is_enough(&head) {
        match body.next().await {
            Ok(Some(chunk)) => {
                let room = max + 1 - head.len();
                head.extend_from_slice(&chunk[..chunk.len().min(room)]);
            }
            Ok(None) => {
                is_whole = true;
                break;
            }
            Err(error) => {
                let transaction = told.transaction.map(tracing::field::display);
                tracing::warn!(id = %told.trace_id, transaction, error = %Causes(&error), "could not read a message for its notification");
                break;
            }
        }
    }
    head.truncate(max);
    (head.freeze(), is_whole)
}

/// Whether the end of the header is there, or there is no header.
fn holds_header(head: &[u8]) -> bool {
    let ends: [&[u8]; 2] = [b"\r\n\r\n", b"\n\n"];
    head.starts_with(b"\r\n") || ends.iter().any(|end| memmem::find(head, end).is_some())
}

/// Whether some recipient fails permanently with this attempt.
fn is_lost(lease: &Lease, attempt: &Attempt, is_last: bool) -> bool {
    let recipients = lease.recipients();
    let mut open = (0..recipients.len()).filter(|index| recipients[*index].settled.is_none());
    open.any(|index| match attempt.outcome(index) {
        RecipientOutcome::Delivered(_) => false,
        RecipientOutcome::Permanent(_) => true,
        RecipientOutcome::Transient(_) => is_last,
    })
}
