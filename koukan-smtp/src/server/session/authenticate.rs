//! AUTH: the client claims who it is, and an authenticator decides whether that is true.

use std::{sync::Arc, task::Poll, time::Duration};

use futures_core::future::BoxFuture;
use koukan_core::{repeats::Repeats, reply::Reply};
use tokio::time::{Instant, sleep};

use super::{
    End, Session,
    greet::HALF_CLOSED,
    state::Tally,
    turn::{Client, Event, Expected},
};
use crate::{
    codec::LineError,
    sasl::{self, Answer, Claim, Exchange, Mechanism, NextStep as SaslStep},
    server::{
        MakeMailService, Step, Unavailable, Upgrade,
        auth::{Attempt, Gate, Standing, Turn, abilities},
        greeter::Abilities,
    },
};

/// The most octets in a line of an authentication exchange, with its CRLF.
///
/// *Source*: RFC 4954 section 4.
const LINE_MAX: usize = 12_288;

/// The interval between log lines about attempts that got no turn, and about questions that were not answered.
const INTERVAL: Duration = Duration::from_secs(10);

static BUSY: Repeats = Repeats::new(INTERVAL, |attempts, interval| {
    let seconds = interval.as_secs();
    tracing::warn!(attempts, seconds, "too many clients authenticate at a time");
});

static FAILING: Repeats = Repeats::new(INTERVAL, |questions, interval| {
    let seconds = interval.as_secs();
    tracing::error!(questions, seconds, "an authenticator still fails");
});

/// Why a client has not authenticated.
#[derive(Debug)]
struct Failed {
    reply: Reply,
    /// Whether its claim was false. Otherwise nothing was found out about it.
    is_false: bool,
}

impl<IO, M> Session<IO, M>
where
    IO: Upgrade,
    M: MakeMailService,
{
    /// What the server can do for the client now.
    pub(super) fn abilities(&self) -> Abilities {
        abilities(
            self.gate.as_deref(),
            &self.config,
            self.connection.is_upgradable(),
            self.facts.context(),
            self.may_xclient,
        )
    }

    /// Authenticates the client. A client whose claim is false waits a while for the reply, and its failure is
    /// counted by address.
    ///
    /// *Source*: RFC 4954 section 4.
    pub(super) async fn authenticate(
        &mut self,
        mechanism: Mechanism,
        initial: &str,
    ) -> Result<(), End> {
        if mechanism == Mechanism::External {
            return self.external(initial).await;
        }
        let Some(gate) = self.gate.clone() else {
            return self.answer(Reply::not_implemented(), Tally::Error);
        };
        let client = self.facts.context().client();
        let Some(mut attempt) = gate.history.begin(client, &self.config.limits) else {
            return Err(End::Closed(Reply::too_many_failed_authentications()));
        };
        let exchange = self.exchange(&gate, &mut attempt, mechanism, initial);
        let outcome = match exchange.await? {
            Ok(identity) => self.accept(identity).await?.map_err(|reply| Failed {
                is_false: reply == Reply::authentication_failed(),
                reply,
            }),
            Err(failed) => Err(failed),
        };
        match outcome {
            Ok(()) => {
                gate.history.succeeded(&attempt);
                self.turn_away_who_errs()?;
                self.state.authenticated();
                self.answer(Reply::authenticated(), Tally::Idle)
            }
            Err(Failed { reply, is_false }) if is_false => {
                let remote = self.facts.context().remote_host;
                tracing::info!(
                    ?remote,
                    mechanism = mechanism.name(),
                    "authentication failed"
                );
                let wait: BoxFuture<'static, ()> =
                    Box::pin(sleep(attempt.delay(&self.config.limits)));
                self.outcome_of(wait, Duration::MAX, Duration::ZERO).await?;
                self.answer(reply, Tally::Error)
            }
            Err(Failed { reply, .. }) => {
                gate.history.take_back(&attempt);
                self.answer(reply, Tally::Error)
            }
        }
    }

    /// EXTERNAL: the client is the one whose certificate it has shown, and may act for nobody else.
    ///
    /// *Source*: RFC 4422 appendix A.
    async fn external(&mut self, initial: &str) -> Result<(), End> {
        let line = match initial {
            "" => match self.challenge(b"").await? {
                Ok(line) => line,
                Err(reply) => return self.answer(reply, Tally::Error),
            },
            "=" => Vec::new(),
            text => text.as_bytes().to_vec(),
        };
        let Ok(wanted) = sasl::decode(&line) else {
            return self.answer(Reply::authentication_malformed(), Tally::Error);
        };
        let tls = self.facts.context().tls.as_ref();
        let shown = tls.and_then(|tls| tls.client.clone());
        let outcome = match shown {
            Some(name) if wanted.is_empty() || *wanted == *name.as_bytes() => {
                self.accept(name).await?
            }
            _ => Err(Reply::authentication_failed()),
        };
        match outcome {
            Ok(()) => {
                self.turn_away_who_errs()?;
                self.state.authenticated();
                self.answer(Reply::authenticated(), Tally::Idle)
            }
            Err(reply) => self.answer(reply, Tally::Error),
        }
    }

    /// Accepts the client under that name, unless the greeter refuses it.
    async fn accept(&mut self, identity: Box<str>) -> Result<Result<(), Reply>, End> {
        let facts = self.facts.with_identity(identity);
        let answer = self
            .ask(Step::Authenticated, Arc::clone(facts.context()))
            .await?;
        Ok(answer.map(|_| self.facts = facts))
    }

    /// Runs the exchange between the client and the authenticator until the claim is accepted or refused. Once the
    /// authenticator has refused the claim it counts as false, however the client ends the exchange: a token is refused
    /// before its end (RFC 7628 section 3.2.3).
    async fn exchange(
        &mut self,
        gate: &Arc<Gate>,
        attempt: &mut Attempt,
        mechanism: Mechanism,
        initial: &str,
    ) -> Result<Result<Box<str>, Failed>, End> {
        let mut exchange = Exchange::new(mechanism);
        let mut is_false = false;
        let mut line = match initial {
            "" => match self.challenge(exchange.opening()).await? {
                Ok(line) => line,
                Err(reply) => return Ok(Err(reply.into())),
            },
            "=" => Vec::new(),
            text => text.as_bytes().to_vec(),
        };
        loop {
            let octets = sasl::decode(&line).ok();
            let step = octets.and_then(|octets| exchange.respond(&octets).ok());
            let Some(mut step) = step else {
                let reply = Reply::authentication_malformed();
                return Ok(Err(Failed { reply, is_false }));
            };
            if let SaslStep::Ask(claim) = step {
                let limits = &self.config.limits;
                if !gate.history.names(attempt, claim.user(), limits) {
                    return Err(End::Closed(Reply::too_many_failed_authentications()));
                }
                let standing = attempt.standing();
                let answer = match self.ask_about(gate, standing, claim).await? {
                    Ok(answer) => answer,
                    Err(reply) => return Ok(Err(reply.into())),
                };
                is_false = answer == Answer::Refused;
                step = match exchange.answer(answer) {
                    Ok(step) => step,
                    Err(_) => return Ok(Err(Reply::authentication_unavailable().into())),
                };
            }
            match step {
                SaslStep::Challenge(octets) => match self.challenge(&octets).await? {
                    Ok(next) => line = next,
                    Err(reply) => return Ok(Err(Failed { reply, is_false })),
                },
                SaslStep::Accepted(identity) => return Ok(Ok(identity)),
                SaslStep::Refused | SaslStep::Ask(_) => {
                    return Ok(Err(Failed {
                        reply: Reply::authentication_failed(),
                        is_false: true,
                    }));
                }
            }
        }
    }

    /// Asks the authenticator whether a claim is true, within the time allowed, and when it is the client's turn.
    async fn ask_about(
        &mut self,
        gate: &Arc<Gate>,
        standing: Standing,
        claim: Claim,
    ) -> Result<Result<Answer, Reply>, End> {
        if let Some(known) = gate.authenticator.known(&claim) {
            return Ok(Ok(known));
        }
        let Some(turn) = self.turn(gate, standing).await? else {
            return Ok(Err(Reply::authentication_unavailable()));
        };
        let gate = Arc::clone(gate);
        let answer: BoxFuture<'static, Result<Answer, Unavailable>> = Box::pin(async move {
            let _turn = turn;
            gate.authenticator.ask(claim).await
        });
        let answer = self
            .outcome_of(answer, self.config.timeouts.greeter, HALF_CLOSED)
            .await?;
        Ok(match answer {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => {
                if FAILING.is_first() {
                    let error = koukan_core::causes::Causes(&error);
                    tracing::error!(%error, "an authenticator has failed");
                }
                Err(Reply::authentication_unavailable())
            }
            None => Err(Reply::authentication_unavailable()),
        })
    }

    /// Waits for the client's turn to ask the authenticator; `None` where there is none for it now. A client that has
    /// closed its half of the connection leaves the line.
    async fn turn(&mut self, gate: &Gate, standing: Standing) -> Result<Option<Turn>, End> {
        let client = self.facts.context().client();
        let turn = Box::pin(gate.turns.clone().turn(client, standing));
        let turn = self.outcome_of(turn, Duration::MAX, Duration::ZERO).await?;
        let turn = turn.and_then(Result::ok);
        if turn.is_none() && BUSY.is_first() {
            let remote = self.facts.context().remote_host;
            tracing::warn!(?remote, "a client has to authenticate later: too many do");
        }
        Ok(turn)
    }

    /// Sends a challenge, and waits for the client's answer. The error is the reply to a client that cancels, or
    /// sends a broken line.
    async fn challenge(&mut self, octets: &[u8]) -> Result<Result<Vec<u8>, Reply>, End> {
        self.send(Reply::challenge().with_text(sasl::encode(octets)))?;
        let timeouts = &self.config.timeouts;
        let client = Client {
            expected: Expected::Commands,
            deadline: self.deadline.min(Instant::now() + timeouts.command),
            stopping: Some(timeouts.stopping),
        };
        loop {
            let input = self.connection.input_mut();
            if let Some(line) = self.commands.line(input, LINE_MAX) {
                return Ok(match line {
                    Ok(line) if &*line == b"*" => Err(Reply::authentication_cancelled()),
                    Ok(line) => Ok(line.into()),
                    Err(LineError::TooLong) => Err(Reply::authentication_line_too_long()),
                    Err(_) => Err(Reply::authentication_malformed()),
                });
            }
            if self.connection.is_eof() {
                return Err(End::HungUp);
            }
            let next = self.wait_for(client, |_, _, _| Poll::<()>::Pending);
            match next.await? {
                Event::Upstream(()) | Event::Client => {}
            }
        }
    }
}

impl From<Reply> for Failed {
    /// Nothing was found out about the claim.
    fn from(reply: Reply) -> Self {
        Self {
            reply,
            is_false: false,
        }
    }
}
