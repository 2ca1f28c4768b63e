//! Notifications of failure to the reverse-path.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use memchr::memmem;

use crate::{
    blob::BlobId,
    body::Body,
    context::{Context, Sender},
    message::dsn::{FailedRecipient, FailureNotice, wants_failure_notice},
    path::{ForwardPath, ReversePath},
    storage::{
        Lease,
        record::{
            BlobContent, Due, NewBody, NewTransaction, Recipient, Status, Terms, TransactionId,
            Work,
        },
    },
    transaction::{Mail, Rcpt},
};

/// Octets of the original header that a notification returns, at most.
const HEADER_MAX: usize = 64 << 10;

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
            .filter(|recipient| wants_failure_notice(&recipient.rcpt))
            .filter_map(|recipient| {
                let reply = recipient.settled.as_ref()?;
                (!reply.is_positive()).then_some(FailedRecipient {
                    rcpt: &recipient.rcpt,
                    reply,
                    remote: last.and_then(|attempt| attempt.remote.as_ref()),
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
            now: lease.storage().clock().now(),
            arrived: lease.created(),
            mail: lease.mail(),
            to,
            failed: &failed,
            original_header: &original_header(lease).await,
        };
        let message = notice.build();
        Some(self.transaction(id, &notice, message))
    }

    fn transaction(
        &self,
        id: TransactionId,
        notice: &FailureNotice<'_>,
        message: Bytes,
    ) -> NewTransaction {
        NewTransaction {
            id,
            created: notice.now,
            context: Arc::new(Context::new(self.sender.clone())),
            mail: Mail::new(ReversePath::Null),
            recipients: vec![Recipient {
                rcpt: Rcpt::new(ForwardPath::Mailbox(notice.to.clone())),
                settled: None,
            }],
            body: Some(NewBody::message(
                BlobId::random(),
                message.len() as u64,
                BlobContent::Inline(vec![message]),
            )),
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

/// The header of the original message, as far as it can be read: that it cannot must not keep its
/// sender from being told.
async fn original_header(lease: &Lease) -> Bytes {
    let Some(body) = lease.body() else {
        return Bytes::new();
    };
    let mut body = Body::from(body);
    let mut head = BytesMut::new();
    loop {
        if head.starts_with(b"\r\n") {
            // A message without a header: what follows is its text.
            return Bytes::new();
        }
        if let Some(end) = memmem::find(&head, b"\r\n\r\n") {
            head.truncate(end + 2);
            return head.freeze();
        }
        if head.len() >= HEADER_MAX {
            head.truncate(HEADER_MAX);
            return head.freeze();
        }
        match body.next().await {
            Ok(Some(chunk)) => {
                let room = HEADER_MAX + 4 - head.len().min(HEADER_MAX);
                head.extend_from_slice(&chunk[..chunk.len().min(room)]);
            }
            Ok(None) => return head.freeze(),
            Err(error) => {
                tracing::warn!(id = %lease.id(), %error, "could not read a message for its notification");
                return head.freeze();
            }
        }
    }
}
