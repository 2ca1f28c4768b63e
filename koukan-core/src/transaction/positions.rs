//! Maps recipients of another transaction to their positions downstream.

use crate::reply::{FinalReplies, Reply};

/// The downstream position of each recipient of another transaction, stored or upstream.
///
/// The position is the same unless a filter has refused earlier recipients; nothing is kept until
/// then.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    same: usize,
    others: Vec<usize>,
}

impl Positions {
    /// Notes the next recipient, whose position in the other transaction is `index`.
    pub(crate) fn push(&mut self, index: usize, position: usize) {
        if self.others.is_empty() && index == position {
            self.same = index + 1;
        } else {
            self.others.push(position);
        }
    }

    /// Forgets all recipients but the first `len`.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.others.truncate(len.saturating_sub(self.same));
        self.same = self.same.min(len);
    }

    /// The downstream position of a recipient.
    fn position(&self, index: usize) -> Option<usize> {
        match index.checked_sub(self.same) {
            None => Some(index),
            Some(other) => self.others.get(other).copied(),
        }
    }

    /// The other transaction's final reply, with recipients identified by their downstream
    /// positions.
    pub(crate) fn downstream(&self, reply: Reply) -> Reply {
        let Some(replies) = reply.final_replies().filter(|_| !self.others.is_empty()) else {
            return reply;
        };
        let mut moved = FinalReplies::default();
        for (index, reply) in replies.iter() {
            if let Some(position) = self.position(index) {
                moved.push(position, reply.clone());
            }
        }
        moved.into_reply_or(reply.without_final_replies())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(replies: &[(usize, Reply)]) -> Reply {
        let mut all = FinalReplies::default();
        for (position, reply) in replies.iter().cloned() {
            all.push(position, reply);
        }
        all.into_reply()
    }

    #[test]
    fn each_reply_goes_to_the_recipient_that_it_is_for() {
        let stored = reply(&[
            (0, Reply::ok()),
            (1, Reply::mailbox_busy()),
            (2, Reply::bad_content()),
        ]);
        for downstream in [[0, 1, 2], [0, 1, 4], [0, 2, 3], [1, 2, 3]] {
            let mut positions = Positions::default();
            for (index, position) in downstream.into_iter().enumerate() {
                positions.push(index, position);
            }
            let told = positions.downstream(stored.clone());
            assert_eq!(told, stored);
            for (index, position) in downstream.into_iter().enumerate() {
                let [told, stored] = [told.for_recipient(position), stored.for_recipient(index)];
                assert_eq!(told, stored, "{downstream:?} {index}");
            }
        }
    }
}
