//! The final replies of an LMTP server: one for each recipient.
//!
//! They come after the end of the message, for the recipients that were accepted by RCPT, in the order
//! of these commands. Whose reply is whose is known only where it is certain which recipients the server
//! has accepted: so the message, or the last block of it, goes when all replies to the envelope are
//! there, and a reply that may be two ends the transaction. Whoever has no reply of its own then is in
//! doubt, and the message is sent to it again.
//!
//! *Source*: RFC 2033 section 4.2.

use koukan_core::reply::{FinalReplies, Reply};

/// Which recipients were accepted, and what was said of each after the message.
#[derive(Debug, Default)]
pub(super) struct Each {
    /// The positions of those that were accepted, in the order of their commands.
    accepted: Vec<usize>,
    /// The replies to the first of them.
    replies: Vec<Reply>,
}

impl Each {
    /// The recipient at that position was accepted.
    pub(super) fn accept(&mut self, position: usize) {
        self.accepted.push(position);
    }

    /// How many replies are still to come after the end of the message.
    pub(super) fn owed(&self) -> usize {
        self.accepted.len() - self.replies.len()
    }

    /// Takes the reply in that comes next; returns whether it is the last.
    pub(super) fn take(&mut self, reply: Reply) -> bool {
        if self.owed() > 0 {
            self.replies.push(reply);
        }
        self.owed() == 0
    }

    /// Whether some reply so far is negative.
    pub(super) fn is_any_negative(&self) -> bool {
        self.replies.iter().any(Reply::is_negative)
    }

    /// It is not certain whose replies these were.
    pub(super) fn doubt(&mut self) {
        self.replies.clear();
    }

    /// The final reply for all: each recipient's own, or `rest` where it has none.
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
