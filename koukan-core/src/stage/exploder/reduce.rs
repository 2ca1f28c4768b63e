//! The meaning of the legs' replies for the client: pure functions.

use crate::{
    reply::{FinalReplies, InPlaceOf, Reply},
    signals::{HandedOver, Signals},
};

/// How the legs' replies become replies to the client, by the kind of client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReplyPolicy {
    /// A user's program, which expects that what can succeed later is retried here.
    Submission,
    /// Another agent, which retries by itself.
    Ingress,
}

/// When the sender is notified of recipients that failed after the message was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum NotifyWhen {
    /// By a notification to the reverse-path, unless it is null or the recipient's NOTIFY
    /// parameter says otherwise.
    #[default]
    Always,
    /// As [`NotifyWhen::Always`], if SPF has passed: the durable signal `spf`, set by an earlier filter, has the
    /// `result` `pass`. Otherwise the reverse-path may be forged. For a transaction that was [handed
    /// over](crate::stage::hand_over) by another chain, that chain's result counts; if that chain does not check SPF,
    /// for example where users submit, senders are notified.
    SpfPass,
    /// Never: where reverse-paths are not trustworthy.
    Never,
}

impl NotifyWhen {
    /// Whether the sender of a transaction with these signals is notified.
    pub(super) fn tells(self, signals: &Signals) -> bool {
        match self {
            Self::Always => true,
            Self::SpfPass => match signals.find::<HandedOver>() {
                Some(handed_over) => handed_over.is_sender_believed,
                None => signals.is_spf_pass() == Some(true),
            },
            Self::Never => false,
        }
    }
}

/// What to do at the end of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The final reply for all.
    pub(super) reply: Reply,
    /// The final reply for each recipient; for one that is taken into custody, the promise.
    pub(super) replies: FinalReplies,
    /// The positions of the recipients that must be taken into custody before the reply is sent.
    pub(super) into_custody: Vec<usize>,
}

/// The reply to RCPT, from that of its leg.
pub(super) fn rcpt_reply(policy: ReplyPolicy, reply: Reply, can_take: bool) -> Reply {
    match policy {
        ReplyPolicy::Submission if reply.is_transient() && can_take => Reply::recipient_ok(),
        _ => plain(&reply),
    }
}

/// The final reply, from those of the legs whose recipient was accepted.
pub(super) fn final_reply(policy: ReplyPolicy, replies: &FinalReplies) -> Verdict {
    let all = replies.iter().map(|(_, reply)| reply);
    let Some(first) = all.clone().next() else {
        return Verdict::plain(&Reply::no_valid_recipients(), replies);
    };
    let class = |reply: &Reply| reply.code().as_u16() / 100;
    let is_one_class = all.clone().all(|reply| class(reply) == class(first));
    if is_one_class && !(policy == ReplyPolicy::Submission && first.is_transient()) {
        return Verdict::plain(first, replies);
    }
    if policy == ReplyPolicy::Ingress && !all.clone().any(Reply::is_positive) {
        return Verdict::plain(&nobody_took_it(all), replies);
    }
    Verdict::with_custody(replies)
}

/// As [`final_reply`], for a client that understands individual replies: for users' programs, transient
/// failures are taken into custody; nothing else is.
pub(super) fn final_replies(policy: ReplyPolicy, replies: &FinalReplies) -> Verdict {
    let is_kept = |reply: &Reply| policy == ReplyPolicy::Submission && reply.is_transient();
    let mut verdict = Verdict::with_custody_of(replies, is_kept);
    let all = verdict.replies.clone().into_reply();
    verdict.reply = all.without_final_replies();
    verdict
}

/// The final reply where no recipient was accepted, from the replies to RCPT.
pub(super) fn refusal<'a>(refusals: impl IntoIterator<Item = &'a Reply>) -> Reply {
    let refusal = Reply::standing_for(refusals).cloned();
    refusal.unwrap_or_else(Reply::no_valid_recipients)
}

/// The final reply if some legs may succeed later, and the others never will: 450 with the text of
/// the first that may, whatever its own code was.
fn nobody_took_it<'a>(replies: impl Iterator<Item = &'a Reply>) -> Reply {
    let reply = refusal(replies);
    let text = reply.text().to_owned();
    Reply::new(Reply::mailbox_busy().code(), reply.enhanced(), text)
}

impl Verdict {
    fn plain(reply: &Reply, replies: &FinalReplies) -> Self {
        let mut each = FinalReplies::default();
        // What all were answered is told once.
        if replies.iter().any(|(_, own)| own != reply) {
            each = FinalReplies::with_capacity(replies.len());
            for (position, reply) in replies.iter() {
                each.push(position, plain(reply));
            }
        }
        Self {
            reply: plain(reply),
            replies: each,
            into_custody: Vec::new(),
        }
    }

    /// Some have the message, and the others are taken into custody.
    fn with_custody(replies: &FinalReplies) -> Self {
        Self::with_custody_of(replies, Reply::is_negative)
    }

    /// Where those go into custody of which that holds.
    fn with_custody_of(replies: &FinalReplies, is_kept: impl Fn(&Reply) -> bool) -> Self {
        let mut each = FinalReplies::with_capacity(replies.len());
        let mut into_custody = Vec::new();
        for (position, reply) in replies.iter() {
            let reply = plain(reply);
            if !is_kept(&reply) {
                each.push(position, reply);
            } else {
                let kept = Reply::message_accepted().with_extension(InPlaceOf(reply));
                each.push(position, kept);
                into_custody.push(position);
            }
        }
        let reply = match (each.len(), into_custody.first()) {
            (1, Some(only)) => each.get(*only).cloned(),
            _ => None,
        };
        Self {
            reply: reply.unwrap_or_else(Reply::message_accepted),
            replies: each,
            into_custody,
        }
    }
}

/// What a leg has answered, as it is passed on.
fn plain(reply: &Reply) -> Reply {
    reply.clone().without_extensions().relayed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ReplyPolicy::{Ingress, Submission};

    fn legs(replies: &[Reply]) -> FinalReplies {
        let mut legs = FinalReplies::default();
        for (position, reply) in replies.iter().enumerate() {
            legs.push(position, reply.clone());
        }
        legs
    }

    #[test]
    fn rcpt_gets_250_for_a_transient_failure_at_submission_only() {
        let busy = Reply::mailbox_busy;
        assert_eq!(rcpt_reply(Submission, busy(), true), Reply::recipient_ok());
        assert_eq!(rcpt_reply(Submission, busy(), false), busy());
        assert_eq!(rcpt_reply(Ingress, busy(), true), busy());
        let unknown = Reply::no_such_user;
        assert_eq!(rcpt_reply(Submission, unknown(), true), unknown());
    }

    #[test]
    fn a_leg_that_was_closed_upstream_leaves_the_client_its_connection() {
        let closing = Reply::service_closing;
        let relayed = closing().relayed();
        assert!(!relayed.closes_connection());
        assert_eq!(rcpt_reply(Ingress, closing(), true), relayed);
        assert_eq!(rcpt_reply(Submission, closing(), false), relayed);
        let verdict = final_reply(Ingress, &legs(&[closing(), closing()]));
        assert_eq!(verdict.reply, relayed);
        let whole = verdict.replies.into_reply_or(verdict.reply);
        assert_eq!(whole.for_recipient(1), &relayed);
    }

    #[test]
    fn where_nobody_took_it_the_code_is_450() {
        let other = Reply::local_error();
        let verdict = final_reply(Ingress, &legs(&[Reply::bad_content(), other.clone()]));
        let told = verdict.reply.to_string();
        assert_eq!(told, format!("450 4.3.0 {}", other.text()));
    }

    #[test]
    fn refused_recipients_end_the_message_as_they_were_refused() {
        let refusals = [Reply::no_such_user(), Reply::mailbox_busy()];
        assert_eq!(refusal(&refusals), Reply::mailbox_busy());
        assert_eq!(refusal(&refusals[..1]), Reply::no_such_user());
        assert_eq!(refusal(&[]), Reply::no_valid_recipients());
    }

    #[test]
    fn who_hears_each_reply_is_told_what_failed() {
        let (ok, again, never) = (
            Reply::message_accepted(),
            Reply::mailbox_busy(),
            Reply::bad_content(),
        );
        let all = [ok.clone(), again.clone(), never.clone()];
        for (policy, second, into_custody) in
            [(Ingress, &again, vec![]), (Submission, &ok, vec![1])]
        {
            let verdict = final_replies(policy, &legs(&all));
            assert_eq!(verdict.into_custody, into_custody);
            let whole = verdict.replies.into_reply_or(verdict.reply);
            for (position, own) in [&ok, second, &never].into_iter().enumerate() {
                assert_eq!(whole.for_recipient(position), own, "{policy:?} {position}");
            }
            let taken = final_replies(policy, &legs(&[ok.clone(), ok.clone()]));
            assert_eq!(taken.replies.into_reply_or(taken.reply), ok);
        }
    }

    #[test]
    fn the_table_of_final_replies() {
        let ok = Reply::message_accepted;
        let again = Reply::mailbox_busy;
        let never = Reply::bad_content;
        for (policy, replies, reply, into_custody) in [
            (Submission, vec![], Reply::no_valid_recipients(), vec![]),
            (Submission, vec![ok()], ok(), vec![]),
            (Submission, vec![again()], ok(), vec![0]),
            (Submission, vec![never()], never(), vec![]),
            (Submission, vec![again(), again()], ok(), vec![0, 1]),
            (Submission, vec![never(), never()], never(), vec![]),
            (Submission, vec![ok(), again(), never()], ok(), vec![1, 2]),
            (Ingress, vec![ok(), ok()], ok(), vec![]),
            (Ingress, vec![again()], again(), vec![]),
            (Ingress, vec![again(), again()], again(), vec![]),
            (Ingress, vec![never()], never(), vec![]),
            (Ingress, vec![ok(), again()], ok(), vec![1]),
            (Ingress, vec![again(), never()], again(), vec![]),
            (Ingress, vec![never(), again()], again(), vec![]),
            (Ingress, vec![ok(), again(), never()], ok(), vec![1, 2]),
            (Submission, vec![again(), never()], ok(), vec![0, 1]),
        ] {
            let verdict = final_reply(policy, &legs(&replies));
            let told = format!("{policy:?} {replies:?}");
            assert_eq!(verdict.reply, reply, "{told}");
            assert_eq!(verdict.into_custody, into_custody, "{told}");
            let whole = verdict.replies.into_reply_or(verdict.reply);
            assert_eq!(whole, reply, "{told}");
            for (position, said) in replies.iter().enumerate() {
                let own = whole.for_recipient(position);
                let kept = own.extensions().get();
                if into_custody.contains(&position) {
                    assert_eq!(own, &ok(), "{told}");
                    assert_eq!(kept, Some(&InPlaceOf(said.clone())), "{told}");
                } else {
                    assert_eq!((own, kept), (said, None), "{told}");
                }
            }
        }
    }
}
