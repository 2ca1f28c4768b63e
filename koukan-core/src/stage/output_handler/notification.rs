//! Notifications of failure to the reverse-path.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use memchr::memmem;

use crate::{
    blob::BlobId,
    body::Body,
    causes::Causes,
    context::{Context, Sender},
    message::dsn::{FailedRecipient, FailureNotice, failed_recipients},
    path::{ForwardPath, Parameter, ReversePath},
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

use super::report;

/// Octets of a message that are read for a notification, at most.
const BEGINNING_MAX: usize = 64 << 10;

/// How failures are told to the reverse-path.
#[derive(Debug, Clone)]
pub struct Notifications {
    /// The name by which this agent reports (RFC 3464 section 2.2.2).
    pub reporting_mta: Box<str>,
    /// On whose behalf notifications are sent: selects their chain.
    pub sender: Sender,
}

impl Notifications {
    /// The notification for a transaction whose recipients are settled, if one is to be sent.
    pub(super) async fn make(&self, lease: &Lease) -> Option<NewTransaction> {
        let ReversePath::Mailbox(to) = &lease.mail().reverse_path else {
            return None;
        };
        let recipients = lease.recipients();
        let last = lease.last_attempt();
        let failed: Vec<_> = recipients
            .iter()
            .filter(|recipient| recipient.rcpt.notify().failure)
            .filter_map(|recipient| {
                let reply = recipient.settled.as_ref()?;
                (!reply.is_positive()).then_some(FailedRecipient {
                    rcpt: &recipient.rcpt,
                    reply,
                    last_attempt: last.map(|attempt| attempt.ended),
                })
            })
            .collect();
        if failed.is_empty() {
            return None;
        }
        let id = TransactionId::random();
        let notice = FailureNotice {
            reporting_mta: &self.reporting_mta,
            unique: &id.to_string(),
            id: &lease.trace_id().to_string(),
            now: lease.storage().clock().now(),
            arrived: lease.created(),
            mail: lease.mail(),
            to,
            failed: &failed,
            original: &beginning(lease, holds_header).await,
        };
        let message = notice.build();
        Some(self.transaction((id, lease.trace_id()), &notice, message))
    }

    /// Whether a kept message from the null reverse-path, as notifications are, is lost with this
    /// attempt: nobody will hear of it.
    pub(super) fn is_lost(lease: &Lease, attempt: &Attempt, is_last: bool) -> bool {
        lease.mail().reverse_path.is_null()
            && lease.terms().is_some()
            && is_lost(lease, attempt, is_last)
    }

    /// Reports that such a message is lost.
    pub(super) async fn tell_of_loss(lease: &Lease, attempt: &Attempt) {
        let about = failed_recipients(&beginning(lease, |_| false).await);
        report::lost(lease, attempt, &about);
    }

    fn transaction(
        &self,
        (id, trace_id): (TransactionId, TraceId),
        notice: &FailureNotice<'_>,
        message: Bytes,
    ) -> NewTransaction {
        NewTransaction {
            id,
            created: notice.now,
            context: Arc::new(Context::new(self.sender.clone())),
            // It is about that message, and found in logs by the same id.
            signals: Carried::of_trace(trace_id),
            mail: null_mail(notice.is_international()),
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
}

/// MAIL of a notification, with what its octets need.
fn null_mail(is_international: bool) -> Mail {
    let mut mail = Mail::new(ReversePath::Null);
    if is_international {
        for (keyword, value) in [("BODY", Some("8BITMIME")), ("SMTPUTF8", None)] {
            let parameter = Parameter::new(keyword, value);
            // Both are well-formed, and each is there once.
            let _ = parameter.and_then(|parameter| mail.parameters.push(parameter));
        }
    }
    mail
}

/// The beginning of a transaction's message, up to the octets that `is_enough` asks for, as far as
/// it can be read: that it cannot must not keep its sender from being told.
async fn beginning(lease: &Lease, is_enough: impl Fn(&[u8]) -> bool) -> Bytes {
    let Some(body) = lease.body() else {
        return Bytes::new();
    };
    let mut body = Body::from(body);
    let mut head = BytesMut::new();
    while head.len() < BEGINNING_MAX && !is_enough(&head) {
        match body.next().await {
            Ok(Some(chunk)) => {
                let room = BEGINNING_MAX - head.len();
                head.extend_from_slice(&chunk[..chunk.len().min(room)]);
            }
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(id = %lease.trace_id(), transaction = %lease.id(), error = %Causes(&error), "could not read a message for its notification");
                break;
            }
        }
    }
    head.freeze()
}

/// Whether the end of the header is there, or there is no header.
fn holds_header(head: &[u8]) -> bool {
    let ends: [&[u8]; 2] = [b"\r\n\r\n", b"\n\n"];
    head.starts_with(b"\r\n") || ends.iter().any(|end| memmem::find(head, end).is_some())
}

/// Whether an attempt leaves some recipient without the message, for good.
fn is_lost(lease: &Lease, attempt: &Attempt, is_last: bool) -> bool {
    let recipients = lease.recipients();
    let mut open = (0..recipients.len()).filter(|index| recipients[*index].settled.is_none());
    open.any(|index| match attempt.outcome(index) {
        RecipientOutcome::Delivered(_) => false,
        RecipientOutcome::Permanent(_) => true,
        RecipientOutcome::Transient(_) => is_last,
    })
}
