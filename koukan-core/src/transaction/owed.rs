//! Replies that are owed, and their deadlines.

use std::collections::VecDeque;

use tokio::time::Instant;

/// The commands of one transaction that are not answered yet: MAIL, and each RCPT by its position among
/// the recipients.
///
/// `T` stands for the command: its [`Slot`](super::Slot). The deadlines of recipients are in the order of
/// their positions; a command without one may take any time.
#[derive(Debug)]
pub(crate) struct Owed<T> {
    mail: Option<Debt<T>>,
    /// By position, in ascending order.
    rcpts: VecDeque<(usize, Debt<T>)>,
}

#[derive(Debug)]
struct Debt<T> {
    command: T,
    deadline: Option<Instant>,
}

impl<T> Default for Owed<T> {
    fn default() -> Self {
        Self {
            mail: None,
            rcpts: VecDeque::new(),
        }
    }
}

impl<T> Owed<T> {
    /// The reply to MAIL is owed.
    pub(crate) fn add_mail(&mut self, command: T, deadline: Option<Instant>) {
        self.mail = Some(Debt { command, deadline });
    }

    /// The reply to a recipient is owed; its position is greater than all others.
    pub(crate) fn add_rcpt(&mut self, position: usize, command: T, deadline: Option<Instant>) {
        debug_assert!(self.rcpts.back().is_none_or(|(last, _)| *last < position));
        self.rcpts.push_back((position, Debt { command, deadline }));
    }

    /// Sets the deadline of the recipients from that position on.
    pub(crate) fn set_rcpt_deadlines(&mut self, from: usize, deadline: Instant) {
        let from = self.rcpts.partition_point(|(position, _)| *position < from);
        for (_, debt) in self.rcpts.range_mut(from..) {
            debt.deadline = Some(deadline);
        }
    }

    /// Whether no reply is owed.
    pub(crate) fn is_empty(&self) -> bool {
        self.mail.is_none() && self.rcpts.is_empty()
    }

    pub(crate) fn take_mail(&mut self) -> Option<T> {
        self.mail.take().map(|debt| debt.command)
    }

    pub(crate) fn take_rcpt(&mut self, position: usize) -> Option<T> {
        let index = { &self.rcpts }.binary_search_by_key(&position, |(own, _)| *own);
        let (_, debt) = self.rcpts.remove(index.ok()?)?;
        Some(debt.command)
    }

    /// The recipients from that position on.
    pub(crate) fn take_rcpts(&mut self, from: usize) -> impl Iterator<Item = T> + use<T> {
        let from = self.rcpts.partition_point(|(position, _)| *position < from);
        let debts = self.rcpts.split_off(from);
        debts.into_iter().map(|(_, debt)| debt.command)
    }

    /// The deadline of the reply to MAIL.
    pub(crate) fn mail_deadline(&self) -> Option<Instant> {
        self.mail.as_ref()?.deadline
    }

    /// The deadline of the reply to the first recipient.
    pub(crate) fn rcpt_deadline(&self) -> Option<Instant> {
        self.rcpts.front()?.1.deadline
    }

    /// The earliest deadline.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let deadlines = [self.mail_deadline(), self.rcpt_deadline()];
        deadlines.into_iter().flatten().min()
    }

    /// Takes MAIL if its deadline has passed.
    pub(crate) fn take_overdue_mail(&mut self, now: Instant) -> Option<T> {
        let overdue = self.mail.take_if(|debt| is_overdue(debt, now))?;
        Some(overdue.command)
    }

    /// Takes the first recipient if its deadline has passed.
    pub(crate) fn take_overdue_rcpt(&mut self, now: Instant) -> Option<T> {
        if !is_overdue(&self.rcpts.front()?.1, now) {
            return None;
        }
        self.rcpts.pop_front().map(|(_, debt)| debt.command)
    }
}

fn is_overdue<T>(debt: &Debt<T>, now: Instant) -> bool {
    debt.deadline.is_some_and(|deadline| deadline <= now)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn after(seconds: u64) -> Option<Instant> {
        // Any time that does not change during the test.
        thread_local!(static START: Instant = Instant::now());
        Some(START.with(|start| *start) + Duration::from_secs(seconds))
    }

    #[test]
    fn what_is_overdue_is_taken_first_come_first_served() {
        let mut owed = Owed::default();
        owed.add_mail("mail", after(5));
        for (position, command, deadline) in
            [(0, "a", after(2)), (1, "b", after(3)), (2, "c", None)]
        {
            owed.add_rcpt(position, command, deadline);
        }
        let at = |seconds| after(seconds).unwrap();
        assert_eq!(owed.deadline(), after(2));
        assert_eq!(owed.take_overdue_rcpt(at(1)), None);
        assert_eq!(owed.take_overdue_rcpt(at(3)), Some("a"));
        assert_eq!(owed.take_overdue_rcpt(at(3)), Some("b"));
        assert_eq!(owed.take_overdue_rcpt(at(9)), None, "c may take any time");
        assert_eq!(owed.take_overdue_mail(at(4)), None);
        assert_eq!(owed.deadline(), after(5));
        assert_eq!(owed.take_overdue_mail(at(5)), Some("mail"));
        assert_eq!(owed.deadline(), None);
        owed.set_rcpt_deadlines(2, at(7));
        assert_eq!(owed.deadline(), after(7));
    }

    #[test]
    fn what_was_answered_owes_nothing() {
        let mut owed = Owed::default();
        owed.add_mail(0, None);
        for position in 0..4 {
            owed.add_rcpt(position, position + 1, None);
        }
        assert_eq!(owed.take_rcpt(2), Some(3));
        assert_eq!(owed.take_rcpt(2), None);
        assert_eq!(owed.take_rcpts(2).collect::<Vec<_>>(), [4]);
        assert_eq!(owed.take_rcpt(1), Some(2));
        assert_eq!(owed.take_mail(), Some(0));
        assert!(!owed.is_empty());
        assert_eq!(owed.take_rcpt(0), Some(1));
        assert!(owed.is_empty());
    }
}
