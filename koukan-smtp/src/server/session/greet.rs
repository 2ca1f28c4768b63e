//! Greets the client when it connects and when it says EHLO: asks the [`Greeter`] about it.
//!
//! [`Greeter`]: crate::server::Greeter

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Poll, ready},
    time::Duration,
};

use futures_core::future::BoxFuture;
use koukan_core::{
    context::{ClientName, Context},
    reply::Reply,
};
use tokio::time::sleep;

use super::{
    End, Session, hello,
    state::Tally,
    turn::{Client, Event, Expected},
};
use crate::server::{Introduction, MakeMailService, Offer, Step, Upgrade};

/// How long to wait for an answer for a client that has closed its half of the connection.
pub(super) const HALF_CLOSED: Duration = Duration::from_secs(10);

impl<IO, M> Session<IO, M>
where
    IO: Upgrade,
    M: MakeMailService,
{
    /// Greets a client that has just connected.
    pub(super) async fn greet(&mut self) -> Result<(), End> {
        self.turn_away_who_errs()?;
        let context = Arc::clone(self.facts.context());
        let greeting = match self.ask(Step::Connected, context).await? {
            Ok(_) => hello::greeting(&self.config),
            Err(refusal) => {
                self.state.turned_away(Reply::bad_sequence());
                refusal.as_greeting()
            }
        };
        self.send(greeting)
    }

    /// EHLO and HELO. If the client is refused, its state stays as it was.
    ///
    /// *Source*: RFC 5321 section 4.1.4.
    pub(super) async fn hello(&mut self, name: ClientName) -> Result<(), End> {
        let is_extended = name.is_extended;
        let facts = self.facts.with_name(name);
        match self.ask(Step::Hello, Arc::clone(facts.context())).await? {
            Ok(offer) => {
                let reply = hello::answer(&self.config, is_extended, &offer);
                self.close_transaction();
                self.facts = facts;
                self.state.greeted(is_extended, offer);
                self.count(Tally::Idle)?;
                // This reply has no enhanced status code: RFC 2034 section 4.
                self.say(&reply, false)
            }
            Err(refusal) => self.answer(refusal, Tally::Error),
        }
    }

    /// Asks the greeter about the client, and waits for the answer: the offer, or the reply that refuses the client.
    pub(super) async fn ask(
        &mut self,
        step: Step,
        context: Arc<Context>,
    ) -> Result<Result<Offer, Reply>, End> {
        let config = Arc::clone(&self.config);
        let abilities = self.abilities();
        let offer = Offer::of(&config.limits, abilities);
        let Some(greeter) = &self.greeter else {
            return Ok(Ok(offer));
        };
        let answer = greeter.ask(Introduction {
            step,
            context,
            offer,
        });
        let half_closed = match step {
            Step::Connected => Duration::ZERO,
            _ => HALF_CLOSED,
        };
        let answer = self
            .outcome_of(answer, config.timeouts.greeter, half_closed)
            .await?;
        let answer = answer.unwrap_or_else(|| Err(Reply::elapsed()));
        Ok(answer.map(|offer: Offer| offer.within(&config.limits, abilities)))
    }

    /// Waits for the answer to a question about the client; `None` if that takes longer than `patience`. Meanwhile a
    /// running call goes on, and input of the client is read as far as there is room. If the client has closed its
    /// half and nothing of it is left to carry out, the wait is `half_closed` at most: it may still read the answer,
    /// but most such clients are gone.
    pub(super) async fn outcome_of<T>(
        &mut self,
        mut outcome: BoxFuture<'static, T>,
        patience: Duration,
        half_closed: Duration,
    ) -> Result<Option<T>, End> {
        // Most answers are there at the first poll.
        let first = poll_fn(|cx| Poll::Ready(outcome.as_mut().poll(cx)));
        if let Poll::Ready(outcome) = first.await {
            return Ok(Some(outcome));
        }
        let mut late = pin!(sleep(patience));
        let mut gone = None;
        let stopping = match self.is_resting() {
            true => Duration::ZERO,
            false => self.config.timeouts.stopping,
        };
        loop {
            if self.connection.has_said_all() && gone.is_none() {
                if half_closed.is_zero() {
                    return Err(End::HungUp);
                }
                gone = Some(Box::pin(sleep(half_closed)));
            }
            let may_read = !self.connection.is_eof() && self.connection.may_read_ahead();
            let client = Client {
                expected: match may_read {
                    true => Expected::Commands,
                    false => Expected::Nothing,
                },
                deadline: self.deadline,
                stopping: Some(stopping),
            };
            let next = self.wait_for(client, |driver, _, cx| {
                if let Some(driver) = driver {
                    let _ = driver.poll_progress(cx);
                }
                if let Poll::Ready(outcome) = outcome.as_mut().poll(cx) {
                    return Poll::Ready(Ok(Some(outcome)));
                }
                if let Some(gone) = &mut gone {
                    ready!(gone.as_mut().poll(cx));
                    return Poll::Ready(Err(End::HungUp));
                }
                late.as_mut().poll(cx).map(|()| Ok(None))
            });
            if let Event::Upstream(outcome) = next.await? {
                return outcome;
            }
        }
    }
}
