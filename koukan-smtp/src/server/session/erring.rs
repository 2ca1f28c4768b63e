//! Clients that make errors are slowed down, and turned away after too many.

use std::{mem, pin::pin, time::Duration};

use koukan_core::reply::Reply;
use tokio::time::sleep;

use super::{End, Session, greet::HALF_CLOSED, state::Tally};
use crate::server::{MakeMailService, Upgrade};

impl<IO, M> Session<IO, M>
where
    IO: Upgrade,
    M: MakeMailService,
{
    /// Turns a client away that has made too many errors, on this connection or on others.
    pub(super) fn turn_away_who_errs(&self) -> Result<(), End> {
        let (client, is_spoken_for) = (self.facts.context(), self.facts.is_spoken_for());
        match self.errors.bars(&self.config, client, is_spoken_for) {
            true => Err(End::Closed(Reply::too_many_errors_of_client())),
            false => Ok(()),
        }
    }

    /// Counts a command. After one that is an error, the next command may have to wait.
    pub(super) fn count(&mut self, tally: Tally) -> Result<(), End> {
        match self.tallies.command(tally, &self.config.limits) {
            Ok(false) => Ok(()),
            Ok(true) => {
                self.penance = self.errs(1)?.max(self.penance);
                Ok(())
            }
            Err(end) => {
                // A client that only sends useless commands will do so on its next connection too.
                let more = match tally {
                    Tally::Idle => self.config.limits.idle_commands,
                    _ => 1,
                };
                self.errs(more)?;
                Err(end)
            }
        }
    }

    /// Makes a client that has made many errors wait. A running transaction goes on meanwhile.
    pub(super) async fn do_penance(&mut self) -> Result<(), End> {
        let penance = mem::take(&mut self.penance);
        if penance.is_zero() {
            return Ok(());
        }
        let over = Box::pin(sleep(penance));
        self.outcome_of(over, Duration::MAX, HALF_CLOSED).await?;
        Ok(())
    }

    /// Counts a permanently refused recipient. After many of them, the client gets the reply with a
    /// delay. The call goes on meanwhile.
    pub(super) async fn recipient_refused(&mut self) -> Result<(), End> {
        let mut delay = self.tallies.recipient_refused(&self.config.limits)?;
        if self.tallies.has_more_refused_than_accepted() {
            delay = delay.max(self.errs(1)?);
        }
        if delay.is_zero() {
            return Ok(());
        }
        let mut pause = pin!(sleep(delay));
        self.wait_upstream(|driver, _, cx| {
            let _ = driver.poll_progress(cx);
            pause.as_mut().poll(cx)
        })
        .await;
        Ok(())
    }

    /// Counts errors of the client, and returns how long it has to wait for them.
    fn errs(&self, more: u32) -> Result<Duration, End> {
        let (client, is_spoken_for) = (self.facts.context(), self.facts.is_spoken_for());
        let delay = self.errors.count(&self.config, client, is_spoken_for, more);
        delay.ok_or_else(|| End::Closed(Reply::too_many_errors_of_client()))
    }
}
