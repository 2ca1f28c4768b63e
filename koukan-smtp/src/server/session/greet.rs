//! The client is greeted, once it has connected and when it says EHLO: the [`Greeter`] is asked.
//!
//! [`Greeter`]: crate::server::Greeter

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

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

impl<IO, M> Session<IO, M>
where
    IO: Upgrade,
    M: MakeMailService,
{
    /// Greets a client of which nothing was heard yet.
    pub(super) async fn greet(&mut self) -> Result<(), End> {
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

    /// EHLO and HELO. A client that is refused is where it was before.
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
                self.tallies.command(Tally::Idle, &self.config.limits)?;
                // No enhanced status code is in that: RFC 2034 section 4.
                self.say(&reply, false)
            }
            Err(refusal) => self.answer(refusal, Tally::Error),
        }
    }

    /// Asks the greeter about the client, and waits for the answer: what is offered, or how the client
    /// is refused. A call that is under way goes on meanwhile, and the client is read, as far as there
    /// is room; one that has closed its half and has nothing left to be carried out is not waited for.
    pub(super) async fn ask(
        &mut self,
        step: Step,
        context: Arc<Context>,
    ) -> Result<Result<Offer, Reply>, End> {
        let config = Arc::clone(&self.config);
        let is_upgradable = self.connection.is_upgradable();
        let offer = Offer::of(&config.limits, is_upgradable);
        let Some(greeter) = &self.greeter else {
            return Ok(Ok(offer));
        };
        let mut answer = greeter.ask(Introduction {
            step,
            context,
            offer,
        });
        let within = |offer: Offer| offer.within(&config.limits, is_upgradable);
        // Most answers are there at once.
        let first = poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx)));
        if let Poll::Ready(answer) = first.await {
            return Ok(answer.map(within));
        }
        let mut late = pin!(sleep(config.timeouts.greeter));
        let stopping = match self.is_resting() {
            true => Duration::ZERO,
            false => config.timeouts.stopping,
        };
        while !self.connection.has_said_all() {
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
                if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                    return Poll::Ready(answer);
                }
                late.as_mut().poll(cx).map(|()| Err(Reply::elapsed()))
            });
            if let Event::Upstream(answer) = next.await? {
                return Ok(answer.map(within));
            }
        }
        Err(End::HungUp)
    }
}
