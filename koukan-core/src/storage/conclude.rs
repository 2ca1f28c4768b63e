//! The consequences of an attempt for a transaction: a pure function.

use std::time::Duration;

use jiff::Timestamp;

use crate::{path::ReversePath, reply::Reply};

use super::{
    AttemptEnd,
    record::{Due, FinalReason, MessageKey, Recipient, RecipientOutcome, Status, Terms, Work},
};

/// How long a notification waits for others about the same message, so that one notification reports all:
/// recipients that fail in the same round fail at one host after the other.
pub(super) const TOLD_TOGETHER: Duration = Duration::from_secs(5);

/// Settles the recipients that the attempt decided. Returns the next status.
///
/// While a recipient is left to be retried, the notification for others waits, so that one notification
/// reports all failures.
pub(super) fn conclude(
    recipients: &mut [Recipient],
    end: &AttemptEnd,
    terms: Terms,
    reverse_path: &ReversePath,
) -> Status {
    let retry_at = end.retry_at.filter(|_| terms.retry);
    for (index, recipient) in recipients.iter_mut().enumerate() {
        if recipient.settled.is_none() {
            recipient.settled = match end.attempt.outcome(index) {
                RecipientOutcome::Delivered(reply) | RecipientOutcome::Permanent(reply) => {
                    Some(reply)
                }
                RecipientOutcome::Transient(_) if retry_at.is_some() => None,
                RecipientOutcome::Transient(reply) => Some(reply),
            };
        }
    }
    if let Some(at) = retry_at
        && recipients
            .iter()
            .any(|recipient| recipient.settled.is_none())
    {
        return Status::Due(Due {
            at,
            work: Work::Attempt,
        });
    }
    if recipients.is_empty() {
        // MAIL was refused before there were any.
        return Status::Final(match &end.attempt.final_reply {
            reply if reply.is_permanent() => FinalReason::Failed,
            reply if reply.is_transient() => FinalReason::Expired,
            _ => FinalReason::Delivered,
        });
    }
    settled(recipients, end.attempt.ended, terms, reverse_path)
}

/// Bounces a transaction for an operator. Its originator is notified, if that was promised.
pub(super) fn give_back(
    recipients: &mut [Recipient],
    now: Timestamp,
    terms: Terms,
    reverse_path: &ReversePath,
) -> Status {
    for recipient in &mut *recipients {
        recipient.settled.get_or_insert_with(Reply::returned);
    }
    settled(recipients, now, terms, reverse_path)
}

/// The next status when all recipients are settled.
fn settled(
    recipients: &[Recipient],
    now: Timestamp,
    terms: Terms,
    reverse_path: &ReversePath,
) -> Status {
    match final_reason(recipients) {
        _ if terms.notify
            && !reverse_path.is_null()
            && recipients.iter().any(Recipient::is_to_be_told) =>
        {
            Status::Due(Due {
                at: now,
                work: Work::Notify,
            })
        }
        reason => Status::Final(reason),
    }
}

/// The next status, at `now`, where others may carry the same message: their senders are notified
/// together.
pub(super) fn beside_others(
    status: Status,
    message_key: Option<MessageKey>,
    now: Timestamp,
) -> Status {
    match status {
        Status::Due(due) if due.work == Work::Notify && message_key.is_some() => Status::Due(Due {
            at: now.checked_add(TOLD_TOGETHER).unwrap_or(Timestamp::MAX),
            ..due
        }),
        status => status,
    }
}

/// The final reason of a transaction whose recipients are all settled.
pub(super) fn final_reason(recipients: &[Recipient]) -> FinalReason {
    let mut replies = recipients.iter().filter_map(|r| r.settled.as_ref());
    if !replies.clone().any(Reply::is_negative) {
        FinalReason::Delivered
    } else if replies.clone().any(Reply::is_positive) {
        FinalReason::PartlyDelivered
    } else if replies.any(Reply::is_permanent) {
        FinalReason::Failed
    } else {
        FinalReason::Expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{storage::record::Attempt, transaction::Rcpt};

    const LATER: Timestamp = Timestamp::constant(1000, 0);
    const BOTH: Terms = Terms {
        retry: true,
        notify: true,
    };

    fn end(replies: &[Reply], retry_at: Option<Timestamp>) -> AttemptEnd {
        AttemptEnd {
            attempt: Box::new(Attempt {
                started: Timestamp::UNIX_EPOCH,
                ended: Timestamp::UNIX_EPOCH,
                mail_reply: None,
                recipient_replies: replies.iter().cloned().map(Some).collect(),
                final_reply: Reply::message_accepted(),
                final_replies: Vec::new(),
                remote: None,
                shown: None,
                tls: None,
                conversation: None,
                suppresses: Vec::new(),
            }),
            retry_at,
        }
    }

    fn after(replies: &[Reply], retry_at: Option<Timestamp>, terms: Terms, from: &str) -> Status {
        let rcpt = || Rcpt::new("b@example.com".parse::<crate::path::ForwardPath>().unwrap());
        let mut recipients: Vec<_> = replies
            .iter()
            .map(|_| Recipient {
                rcpt: rcpt(),
                settled: None,
            })
            .collect();
        let end = end(replies, retry_at);
        conclude(&mut recipients, &end, terms, &from.parse().unwrap())
    }

    fn due(at: Timestamp, work: Work) -> Status {
        Status::Due(Due { at, work })
    }

    #[test]
    fn what_is_given_back_is_told_of_where_that_was_promised() {
        let now = Timestamp::UNIX_EPOCH;
        let rcpt = || Rcpt::new("b@example.com".parse::<crate::path::ForwardPath>().unwrap());
        let recipient = |settled| Recipient {
            rcpt: rcpt(),
            settled,
        };
        for (terms, from, delivered, status) in [
            (BOTH, "a@b", None, due(now, Work::Notify)),
            (BOTH, "a@b", Some(Reply::ok()), due(now, Work::Notify)),
            (BOTH, "", None, Status::Final(FinalReason::Failed)),
            (
                Terms::default(),
                "a@b",
                None,
                Status::Final(FinalReason::Failed),
            ),
            (
                Terms::default(),
                "a@b",
                Some(Reply::ok()),
                Status::Final(FinalReason::PartlyDelivered),
            ),
        ] {
            let mut recipients = [recipient(delivered.clone()), recipient(None)];
            let given = give_back(&mut recipients, now, terms, &from.parse().unwrap());
            assert_eq!(given, status, "{terms:?} {from:?} {delivered:?}");
            assert_eq!(recipients[1].settled, Some(Reply::returned()));
            assert_eq!(recipients[0].settled, delivered.or(Some(Reply::returned())));
        }
    }

    #[test]
    fn only_a_notification_waits_for_those_of_the_same_message() {
        let now = Timestamp::UNIX_EPOCH;
        let key = Some(MessageKey::random());
        let (notify, attempt) = (due(now, Work::Notify), due(LATER, Work::Attempt));
        let over = Status::Final(FinalReason::Failed);
        for (status, message_key, expected) in [
            (notify.clone(), key, due(now + TOLD_TOGETHER, Work::Notify)),
            (notify.clone(), None, notify),
            (attempt.clone(), key, attempt),
            (over.clone(), key, over),
        ] {
            assert_eq!(beside_others(status, message_key, now), expected);
        }
    }

    #[test]
    fn the_replies_the_terms_and_the_schedule_decide() {
        let ok = Reply::recipient_ok;
        let busy = Reply::mailbox_busy;
        let unknown = Reply::no_such_user;
        let now = Timestamp::UNIX_EPOCH;
        let none = Terms::default();
        let only_retry = Terms {
            retry: true,
            notify: false,
        };
        for (replies, retry_at, terms, from, status) in [
            (
                vec![ok()],
                Some(LATER),
                BOTH,
                "a@b",
                Status::Final(FinalReason::Delivered),
            ),
            (
                vec![busy()],
                Some(LATER),
                BOTH,
                "a@b",
                due(LATER, Work::Attempt),
            ),
            (
                vec![ok(), busy()],
                Some(LATER),
                BOTH,
                "a@b",
                due(LATER, Work::Attempt),
            ),
            (
                vec![unknown(), busy()],
                Some(LATER),
                BOTH,
                "a@b",
                due(LATER, Work::Attempt),
            ),
            (vec![busy()], None, BOTH, "a@b", due(now, Work::Notify)),
            (
                vec![busy()],
                None,
                BOTH,
                "",
                Status::Final(FinalReason::Expired),
            ),
            (
                vec![unknown()],
                Some(LATER),
                BOTH,
                "a@b",
                due(now, Work::Notify),
            ),
            (
                vec![ok(), unknown()],
                Some(LATER),
                BOTH,
                "a@b",
                due(now, Work::Notify),
            ),
            (
                vec![unknown()],
                Some(LATER),
                BOTH,
                "",
                Status::Final(FinalReason::Failed),
            ),
            (
                vec![ok(), unknown()],
                Some(LATER),
                BOTH,
                "",
                Status::Final(FinalReason::PartlyDelivered),
            ),
            (
                vec![ok(), busy()],
                None,
                none,
                "a@b",
                Status::Final(FinalReason::PartlyDelivered),
            ),
            (
                vec![unknown(), busy()],
                None,
                none,
                "a@b",
                Status::Final(FinalReason::Failed),
            ),
            (
                vec![unknown()],
                None,
                only_retry,
                "a@b",
                Status::Final(FinalReason::Failed),
            ),
            (
                vec![busy()],
                Some(LATER),
                none,
                "a@b",
                Status::Final(FinalReason::Expired),
            ),
        ] {
            let told = format!("{replies:?} {retry_at:?} {terms:?} {from:?}");
            assert_eq!(after(&replies, retry_at, terms, from), status, "{told}");
        }
    }
}
