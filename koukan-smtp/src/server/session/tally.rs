//! Counts what a client may not do for ever.

use std::time::Duration;

use koukan_core::reply::Reply;

use super::{End, state::Tally};
use crate::server::Limits;

/// Counts what a client may not do for ever.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    errors: u32,
    idle_commands: u32,
    /// Commands after the last MAIL that was refused.
    futile_commands: usize,
    transactions: u32,
    accepted_recipients: u32,
    refused_recipients: u32,
}

impl Tallies {
    /// Counts a command, and returns whether it is an error.
    pub(super) fn command(&mut self, tally: Tally, limits: &Limits) -> Result<bool, End> {
        match tally {
            Tally::Fine => Ok(false),
            // One transaction can have as many futile commands as recipients, and DATA.
            Tally::Futile if self.futile_commands <= limits.recipients => {
                self.futile_commands += 1;
                Ok(false)
            }
            Tally::Idle => count_up(
                &mut self.idle_commands,
                limits.idle_commands,
                Reply::too_many_idle_commands,
            )
            .map(|()| false),
            Tally::Futile | Tally::Error => {
                count_up(&mut self.errors, limits.errors, Reply::too_many_errors).map(|()| true)
            }
        }
    }

    /// MAIL was refused: commands that were already sent after it do not count as errors.
    pub(super) fn mail_refused(&mut self) {
        self.futile_commands = 0;
    }

    /// Counts a mail transaction that begins.
    pub(super) fn transaction(&mut self, limits: &Limits) -> Result<(), End> {
        count_up(&mut self.transactions, limits.transactions, || {
            Reply::service_closing()
                .with_text("enough messages on this connection, go on in another")
        })
    }

    /// A recipient was accepted.
    pub(super) fn recipient_accepted(&mut self) {
        self.accepted_recipients = self.accepted_recipients.saturating_add(1);
    }

    /// A recipient was permanently refused; returns how long its reply has to wait.
    ///
    /// A client that searches for addresses is refused more often than not. A mailing list with
    /// some dead addresses is not.
    pub(super) fn recipient_refused(&mut self, limits: &Limits) -> Result<Duration, End> {
        self.refused_recipients = self.refused_recipients.saturating_add(1);
        let refused = self.refused_recipients;
        if refused <= self.accepted_recipients {
            return Ok(Duration::ZERO);
        }
        if refused > limits.refused_recipients {
            return Err(End::Closed(Reply::too_many_refused_recipients()));
        }
        let is_slow = refused > limits.prompt_refusals;
        Ok(if is_slow {
            limits.refusal_delay
        } else {
            Duration::ZERO
        })
    }

    /// Whether more recipients were permanently refused than accepted.
    pub(super) fn has_more_refused_than_accepted(&self) -> bool {
        self.refused_recipients > self.accepted_recipients
    }

    /// The client has sent a message that was accepted, so it has a purpose here.
    pub(super) fn accepted(&mut self) {
        self.idle_commands = 0;
    }
}

fn count_up(count: &mut u32, max: u32, reply: impl FnOnce() -> Reply) -> Result<(), End> {
    if *count >= max {
        return Err(End::Closed(reply()));
    }
    *count += 1;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_recipients_are_slowed_down_and_then_too_many_unless_more_were_accepted() {
        let limits = Limits {
            prompt_refusals: 2,
            refused_recipients: 4,
            refusal_delay: Duration::from_secs(1),
            ..Limits::default()
        };
        let delays = |tallies: &mut Tallies, count| {
            let delay = || tallies.recipient_refused(&limits).ok();
            std::iter::repeat_with(delay)
                .map(|delay| delay.map(|delay| delay.as_secs()))
                .take(count)
                .collect::<Vec<_>>()
        };
        let mut tallies = Tallies::default();
        let expected = [Some(0), Some(0), Some(1), Some(1), None];
        assert_eq!(delays(&mut tallies, 5), expected);
        let mut tallies = Tallies::default();
        (0..6).for_each(|_| tallies.recipient_accepted());
        assert_eq!(delays(&mut tallies, 7)[5..], [Some(0), None]);
    }
}
