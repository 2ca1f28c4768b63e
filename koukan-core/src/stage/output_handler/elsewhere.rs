//! Recipients with another destination than those before them.
//!
//! A chain has one destination for each call. A recipient with another destination is refused with
//! [`Reply::other_destination`], and a client sends another transaction for it. For a stored
//! transaction nobody does that. So the attempt goes on: the chain is called again for the recipients
//! that were refused for this reason only, until none is left.
//!
//! All calls count as one attempt. The results of earlier calls stay if a later one is broken off.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    reply::Reply,
    storage::{
        Lease,
        record::{Attempt, Recipient},
    },
    transaction::Rcpt,
};

use super::{Chains, attempt::Exchange, turn_away};

/// How long an attempt may go on. Recipients that are left then are attempted later.
const LONG_ENOUGH: Duration = Duration::from_secs(3600);

/// The positions of the recipients that were refused because they have another destination; none where
/// a client waits, which sends to them itself.
pub(super) fn left(lease: &Lease, attempt: &Attempt) -> Vec<usize> {
    let mut replies = attempt.recipient_replies.iter().flatten();
    match replies.any(is_elsewhere) && lease.is_kept() {
        true => elsewhere(attempt),
        false => Vec::new(),
    }
}

/// Continues the attempt for the recipients that are `left`. Returns whether it was broken off.
pub(super) async fn go_on<C: Chains>(
    chains: &C,
    lease: &mut Lease,
    attempt: &mut Attempt,
    mut left: Vec<usize>,
) -> bool {
    while !left.is_empty() && is_soon(attempt.started, attempt.ended) {
        let Some(chain) = chains.find(&lease.context().sender) else {
            break;
        };
        let rcpts = at(lease.recipients(), &left);
        // Some may be turned away by now.
        let sender = &lease.context().sender.name;
        let service = turn_away::around(lease.storage(), sender, chain.service);
        let Ok(later) = Exchange::again(lease, service, rcpts).await else {
            return true;
        };
        let still = elsewhere(&later);
        let is_in_vain = still.len() >= left.len();
        join(attempt, *later, &left);
        if is_in_vain {
            break;
        }
        left = still;
    }
    false
}

fn is_elsewhere(reply: &Reply) -> bool {
    // That of another host is about its own recipients.
    reply.is_transient() && !reply.is_from_upstream() && {
        let elsewhere = Reply::other_destination();
        (reply.code(), reply.enhanced()) == (elsewhere.code(), elsewhere.enhanced())
    }
}

fn elsewhere(attempt: &Attempt) -> Vec<usize> {
    let replies = attempt.recipient_replies.iter().enumerate();
    let elsewhere = replies.filter(|(_, reply)| reply.as_ref().is_some_and(is_elsewhere));
    elsewhere.map(|(position, _)| position).collect()
}

fn at(recipients: Vec<Recipient>, positions: &[usize]) -> Vec<(usize, Rcpt)> {
    let mut wanted = positions.iter().copied().peekable();
    let numbered = recipients.into_iter().enumerate();
    let wanted = numbered.filter(|(position, _)| wanted.next_if_eq(position).is_some());
    wanted
        .map(|(position, recipient)| (position, recipient.rcpt))
        .collect()
}

fn is_soon(from: Timestamp, until: Timestamp) -> bool {
    let passed = Duration::try_from(until.duration_since(from));
    passed.is_ok_and(|passed| passed < LONG_ENOUGH)
}

/// Adds the results of a later call for the recipients at `positions`.
fn join(attempt: &mut Attempt, later: Attempt, positions: &[usize]) {
    let count = attempt.recipient_replies.len();
    // From here on each recipient has its own final reply.
    let own = (0..count).map(|position| Some(attempt.final_reply_for(position).clone()));
    let mut own: Vec<_> = own.collect();
    for &position in positions {
        own[position] = Some(later.final_reply_for(position).clone());
        let reply = later.recipient_replies.get(position).cloned();
        attempt.recipient_replies[position] = reply.flatten();
    }
    attempt.final_replies = own;
    if !attempt.final_reply.is_positive() && later.final_reply.is_positive() {
        attempt.final_reply = later.final_reply;
    }
    attempt.ended = later.ended;
    attempt.conversation = later.conversation.or(attempt.conversation.take());
    if later.remote.is_some() {
        (attempt.remote, attempt.tls) = (later.remote, later.tls);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::FromUpstream;

    fn attempt(replies: &[Option<Reply>], last: Reply) -> Attempt {
        Attempt {
            started: Timestamp::UNIX_EPOCH,
            ended: Timestamp::UNIX_EPOCH,
            mail_reply: None,
            recipient_replies: replies.to_vec(),
            final_reply: last,
            final_replies: Vec::new(),
            remote: None,
            shown: None,
            tls: None,
            conversation: None,
            suppresses: Vec::new(),
        }
    }

    #[test]
    fn each_recipient_has_what_its_own_call_has_brought() {
        let [ok, elsewhere] = [Reply::recipient_ok(), Reply::other_destination()];
        let replies = [&ok, &elsewhere, &elsewhere].map(|reply| Some(reply.clone()));
        let mut first = attempt(&replies, Reply::mailbox_busy());
        assert_eq!(super::elsewhere(&first), [1, 2]);
        let replies = [None, Some(Reply::no_such_user()), Some(ok)];
        let later = attempt(&replies, Reply::message_accepted());
        join(&mut first, later, &[1, 2]);
        let outcomes = [0, 1, 2].map(|position| first.outcome(position).reply().clone());
        let expected = [
            Reply::mailbox_busy(),
            Reply::no_such_user(),
            Reply::message_accepted(),
        ];
        assert_eq!(outcomes, expected);
        assert_eq!(first.final_reply, Reply::message_accepted());
    }

    #[test]
    fn a_mail_command_that_is_refused_is_what_its_recipients_hear() {
        let elsewhere = Some(Reply::other_destination());
        let mut first = attempt(
            &[Some(Reply::recipient_ok()), elsewhere],
            Reply::message_accepted(),
        );
        let later = attempt(&[], Reply::policy_refused());
        join(&mut first, later, &[1]);
        assert_eq!(first.outcome(0).reply(), &Reply::message_accepted());
        assert_eq!(first.outcome(1).reply(), &Reply::policy_refused());
    }

    #[test]
    fn what_another_host_says_is_not_ours() {
        let ours = Reply::other_destination().with_text("recipient needs SMTPUTF8");
        let theirs = Reply::other_destination().with_extension(FromUpstream);
        assert!(is_elsewhere(&ours) && !is_elsewhere(&theirs));
        assert!(!is_elsewhere(&Reply::mailbox_busy()));
    }
}
