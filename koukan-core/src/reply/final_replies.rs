//! A final reply for each recipient.

use super::Reply;

/// The final replies of a mail transaction, one for each recipient.
///
/// A destination may accept a message for some recipients and refuse it for others: by LMTP, by the
/// replies of a transaction upstream, or by legs with one recipient each. A service collects the
/// replies here, and returns the result of [`FinalReplies::into_reply`]: one reply that stands for
/// all, for clients that understand only one, and that carries the others. [`Reply::for_recipient`]
/// returns each of them.
///
/// *Shape*: in the order of the recipients, each with its
/// [position](crate::transaction::Command::position) in the transaction. For a recipient without a
/// reply here, the reply for all applies.
///
/// *Source*: RFC 2033 section 4.2.
///
/// # Example
///
/// ```
/// use koukan_core::reply::{FinalReplies, Reply};
///
/// let mut replies = FinalReplies::default();
/// replies.push(0, Reply::message_accepted());
/// replies.push(1, Reply::mailbox_busy());
/// let reply = replies.into_reply();
/// assert_eq!(reply, Reply::mailbox_busy());
/// assert_eq!(reply.for_recipient(0), &Reply::message_accepted());
/// assert_eq!(reply.for_recipient(1), &Reply::mailbox_busy());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FinalReplies(Vec<(usize, Reply)>);

/// Says that a message was taken into custody, and contains the reply of upstream: an extension of
/// the positive [`Reply`] that is given instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InPlaceOf(pub Reply);

/// The replies that a reply stands for: an extension that only `FinalReplies` attaches, so that a
/// positive reply never stands for a negative one.
struct StandsFor(FinalReplies);

impl FinalReplies {
    /// With room for `count` replies.
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    /// Adds the reply for the recipient at this position, replacing an earlier one.
    ///
    /// An intermediate (3yz) reply counts as [`Reply::local_error`].
    pub fn push(&mut self, position: usize, reply: Reply) {
        let reply = if reply.code().is_intermediate() {
            Reply::local_error()
        } else {
            reply
        };
        if self.0.last().is_none_or(|(last, _)| *last < position) {
            self.0.push((position, reply));
            return;
        }
        match self.0.binary_search_by_key(&position, |(at, _)| *at) {
            Ok(index) => self.0[index].1 = reply,
            Err(index) => self.0.insert(index, (position, reply)),
        }
    }

    /// The reply for the recipient at that position, if it has one.
    pub fn get(&self, position: usize) -> Option<&Reply> {
        let index = self.0.binary_search_by_key(&position, |(at, _)| *at);
        Some(&self.0[index.ok()?].1)
    }

    /// The replies, each with the recipient's position.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Reply)> + Clone {
        self.0.iter().map(|(position, reply)| (*position, reply))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Combines them into one final reply.
    ///
    /// It is positive only if all are: otherwise a client without individual replies repeats the
    /// message to all, or tells its author, so that nothing is lost. If any is negative, it is the
    /// reply that stands for the negative ones ([`Reply::standing_for`]). Without any it is
    /// [`Reply::no_valid_recipients`].
    pub fn into_reply(self) -> Reply {
        let refusals = self.replies().filter(|reply| reply.is_negative());
        let whole = Reply::standing_for(refusals).or_else(|| self.replies().next());
        let whole = whole.cloned().unwrap_or_else(Reply::no_valid_recipients);
        self.carried_by(whole)
    }

    /// As [`FinalReplies::into_reply`], using `whole` as the reply for all, where possible.
    #[must_use]
    pub fn into_reply_or(self, whole: Reply) -> Reply {
        if whole.is_positive() && self.replies().any(Reply::is_negative) {
            return self.into_reply();
        }
        self.carried_by(whole)
    }

    fn replies(&self) -> impl Iterator<Item = &Reply> {
        self.0.iter().map(|(_, reply)| reply)
    }

    /// If there is only one, equal to the reply for all, nothing needs to be carried.
    fn carried_by(self, whole: Reply) -> Reply {
        match &*self.0 {
            [] => whole,
            [(_, only)] if *only == whole => whole,
            _ => whole.with_extension(StandsFor(self)),
        }
    }
}

impl Reply {
    /// The final reply for the recipient at this [position](crate::transaction::Command::position):
    /// its own, or else this one.
    pub fn for_recipient(&self, position: usize) -> &Self {
        let own = self
            .final_replies()
            .and_then(|replies| replies.get(position));
        own.unwrap_or(self)
    }

    /// The final replies of recipients that this reply carries, if any.
    pub fn final_replies(&self) -> Option<&FinalReplies> {
        let StandsFor(replies) = self.extensions().get()?;
        Some(replies)
    }

    /// Whether the message was accepted for at least one recipient, even if the reply itself is
    /// negative.
    pub fn is_positive_for_any(&self) -> bool {
        let replies = self.final_replies();
        self.is_positive()
            || replies.is_some_and(|replies| replies.replies().any(Self::is_positive))
    }

    /// Whether this reply is positive although a recipient's reply is not: the message was taken
    /// into custody ([`InPlaceOf`]).
    pub fn is_promise(&self) -> bool {
        let stands_in = |reply: &Self| reply.extensions().get::<InPlaceOf>().is_some();
        let replies = self.final_replies();
        self.is_positive()
            && (stands_in(self) || replies.is_some_and(|replies| replies.replies().any(stands_in)))
    }

    /// The reply alone, without those that it carries.
    #[must_use]
    pub fn without_final_replies(mut self) -> Self {
        self.extensions.remove::<StandsFor>();
        self
    }

    /// The answer to a command that was not answered before this final reply: this one, if it is
    /// negative. `position` is that of a recipient.
    pub(crate) fn to_unanswered(&self, position: Option<usize>) -> Self {
        let own = position.map_or(self, |position| self.for_recipient(position));
        if own.is_negative() {
            own.clone().without_final_replies()
        } else {
            Self::local_error()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replies(replies: &[(usize, Reply)]) -> FinalReplies {
        let mut all = FinalReplies::default();
        for (position, reply) in replies.iter().cloned() {
            all.push(position, reply);
        }
        all
    }

    #[test]
    fn a_positive_reply_stands_for_positive_ones_only() {
        let (ok, again, never) = (
            Reply::message_accepted(),
            Reply::mailbox_busy(),
            Reply::bad_content(),
        );
        for (given, whole) in [
            (vec![], Reply::no_valid_recipients()),
            (vec![&ok], ok.clone()),
            (vec![&ok, &ok], ok.clone()),
            (vec![&ok, &never], never.clone()),
            (vec![&never, &ok, &again], again.clone()),
        ] {
            let given: Vec<_> = given.into_iter().cloned().enumerate().collect();
            let reply = replies(&given).into_reply();
            assert_eq!(reply, whole);
            for (position, own) in &given {
                assert_eq!(reply.for_recipient(*position), own);
            }
            assert_eq!(reply.for_recipient(7), &whole);
            let is_any = given.iter().any(|(_, reply)| reply.is_positive());
            assert_eq!(reply.is_positive_for_any(), is_any);
            assert_eq!(reply.without_final_replies().for_recipient(0), &whole);
        }
        let mixed = [(0, ok.clone()), (1, never.clone())];
        assert_eq!(replies(&mixed).into_reply_or(ok.clone()), never);
        assert_eq!(replies(&mixed).into_reply_or(again.clone()), again);
        assert_eq!(replies(&mixed[..1]).into_reply_or(ok.clone()), ok);
    }

    #[test]
    fn a_single_reply_carries_nothing() {
        let one = replies(&[(3, Reply::mailbox_busy())]).into_reply();
        assert_eq!(one.final_replies(), None);
        let two = replies(&[(4, Reply::ok()), (3, Reply::ok())]);
        assert_eq!(
            two.iter().map(|(at, _)| at).collect::<Vec<_>>(),
            [3, 4],
            "in order"
        );
        assert_eq!(two.clone().into_reply().final_replies(), Some(&two));
    }

    #[test]
    fn what_was_not_answered_gets_its_own_refusal() {
        let mixed = [(0, Reply::message_accepted()), (1, Reply::bad_content())];
        let reply = replies(&mixed).into_reply_or(Reply::mailbox_busy());
        assert_eq!(reply.to_unanswered(None), Reply::mailbox_busy());
        assert_eq!(reply.to_unanswered(Some(0)), Reply::local_error());
        assert_eq!(reply.to_unanswered(Some(1)), Reply::bad_content());
        assert_eq!(reply.to_unanswered(Some(2)), Reply::mailbox_busy());
        assert_eq!(reply.to_unanswered(None).final_replies(), None);
        assert_eq!(Reply::ok().to_unanswered(None), Reply::local_error());
    }
}
