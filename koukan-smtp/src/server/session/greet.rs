//! The client is greeted, once it has connected and when it says EHLO: the [`Greeter`] is asked.
//!
//! [`Greeter`]: crate::server::Greeter

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Poll, ready},
    time::Duration,
};

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

/// How long a greeter is waited for on behalf of a client that has closed its half of the connection.
const HALF_CLOSED: Duration = Duration::from_secs(10);

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
    /// is room. One that has closed its half and has nothing left to be carried out is waited for a moment
    /// longer where it has said EHLO, since it may still take the answer; most are gone.
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
        let mut gone = None;
        let stopping = match self.is_resting() {
            true => Duration::ZERO,
            false => config.timeouts.stopping,
        };
        loop {
            if self.connection.has_said_all() && gone.is_none() {
                if step == Step::Connected {
                    return Err(End::HungUp);
                }
                gone = Some(Box::pin(sleep(HALF_CLOSED)));
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
                if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                    return Poll::Ready(Some(answer));
                }
                if let Some(gone) = &mut gone {
                    ready!(gone.as_mut().poll(cx));
                    return Poll::Ready(None);
                }
                late.as_mut().poll(cx).map(|()| Some(Err(Reply::elapsed())))
            });
            if let Event::Upstream(answer) = next.await? {
                return answer.map(|answer| answer.map(within)).ok_or(End::HungUp);
            }
        }
    }
}
