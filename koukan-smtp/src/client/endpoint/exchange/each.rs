//! The final replies of an LMTP server: one for each recipient.
//!
//! They come after the end of the message, for the recipients that RCPT has accepted, in the order of these commands.
//! They can only be matched to recipients if it is certain which ones the server has accepted. So the message, or its
//! last block, is sent when all replies to the envelope are there, and a reply that may be two ends the transaction, as does
//! one with a code that makes no sense.
//! For recipients without a reply of their own the outcome is then unknown, and the message is sent to them again.
//!
//! *Source*: RFC 2033 section 4.2.

use koukan_core::reply::{FinalReplies, Reply};

/// Which recipients were accepted, and the reply of each to the message.
#[derive(Debug, Default)]
pub(super) struct Each {
    /// The positions of the accepted recipients, in the order of their commands.
    accepted: Vec<usize>,
    /// The replies so far, in the same order.
    replies: Vec<Reply>,
}

impl Each {
    /// The recipient at that position was accepted.
    pub(super) fn accept(&mut self, position: usize) {
        self.accepted.push(position);
    }

    /// How many replies are missing after the end of the message.
    pub(super) fn owed(&self) -> usize {
        self.accepted.len() - self.replies.len()
    }

    /// Takes the next reply; returns whether it is the last.
    pub(super) fn take(&mut self, reply: Reply) -> bool {
        if self.owed() > 0 {
            self.replies.push(reply);
        }
        self.owed() == 0
    }

    /// Whether one of the replies so far is negative.
    pub(super) fn is_any_negative(&self) -> bool {
        self.replies.iter().any(Reply::is_negative)
    }

    /// Forgets the replies, because it is not certain whose they are.
    pub(super) fn doubt(&mut self) {
        self.replies.clear();
    }

    /// The final reply for all: each recipient's own, or `rest` for those that have none.
    pub(super) fn told(&mut self, rest: Reply) -> Reply {
        if self.replies.is_empty() {
            return rest;
        }
        let missing = self.owed();
        let replies = std::mem::take(&mut self.replies).into_iter();
        let replies = replies.chain(std::iter::repeat_n(rest, missing));
        let mut each = FinalReplies::default();
        for (position, reply) in self.accepted.iter().zip(replies) {
            each.push(*position, reply);
        }
        each.into_reply()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recipients at these positions were accepted, and the first of them have these replies.
    fn each(accepted: &[usize], replies: &[Reply]) -> Each {
        let mut each = Each::default();
        accepted.iter().for_each(|position| each.accept(*position));
        for reply in replies {
            each.take(reply.clone());
        }
        each
    }

    #[test]
    fn each_recipient_has_its_own_or_what_is_said_of_the_rest() {
        let (ok, never, lost) = (
            Reply::message_accepted(),
            Reply::no_such_user(),
            Reply::local_error(),
        );
        let mut some = each(&[0, 2, 5], &[ok.clone(), never.clone()]);
        assert!(some.is_any_negative());
        assert_eq!(some.owed(), 1);
        let told = some.told(lost.clone());
        for (position, own) in [(0, &ok), (2, &never), (5, &lost)] {
            assert_eq!(told.for_recipient(position), own, "{position}");
        }
        assert!(told.is_negative());
        assert_eq!(each(&[0, 1], &[]).told(never.clone()), never);
        let all = each(&[0, 1], &[ok.clone(), ok.clone()]).told(lost.clone());
        assert_eq!(all, ok);
        let mut doubted = each(&[0, 1], &[ok, never]);
        doubted.doubt();
        assert_eq!(doubted.told(lost.clone()), lost);
    }

    #[test]
    fn the_last_is_known_as_such() {
        let mut two = each(&[0, 1], &[]);
        assert!(!two.take(Reply::ok()));
        assert!(two.take(Reply::ok()));
        assert!(!two.is_any_negative());
    }
}
