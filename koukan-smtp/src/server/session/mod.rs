//! One SMTP session: the dialogue of a client and the server on a connection.
//!
//! [`State`] decides what to do with a command; the rest does it. Commands are carried out as they arrive; a
//! recipient goes upstream before the earlier ones are answered. [`Replies`] keeps the answers in order. A
//! command whose meaning depends on earlier answers is held until these are known.
//!
//! All waiting happens in the loop of [`turn`], which also reads and writes: replies that are ready
//! together go out in one write.

mod authenticate;
mod body;
mod connection;
mod end;
mod erring;
mod facts;
mod greet;
mod hello;
mod mail;
mod pace;
mod parameters;
mod replies;
mod silence;
mod start_tls;
mod state;
mod stop;
mod tally;
mod turn;
mod xclient;

pub(super) use self::stop::Stop;

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::BytesMut;
use koukan_core::{reply::Reply, transaction::Driver, waking::Passes};
use tokio::time::{Instant, sleep};

use self::{
    body::Message,
    connection::Connection,
    end::End,
    facts::Facts,
    replies::{Answered, Replies},
    state::{Action, State, Tally},
    stop::Watch,
    tally::Tallies,
    turn::{Client, Event, Expected},
};
use super::{
    Config, Connected, MakeMailService, Offer, Server, Upgrade,
    admission::Permit,
    auth::{Gate, abilities},
    errors::Errors,
    greeter::BoxGreeter,
};
use crate::codec::{Command, CommandDecoder, CommandError};

/// How long a client may take to read its 421 once the server's time to stop is over.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A command, or what is wrong with a line that is not a command.
type Parsed = Result<Command, CommandError>;

/// A session on a connection.
pub(super) struct Session<IO, M> {
    connection: Connection<IO>,
    make: Arc<M>,
    greeter: Option<BoxGreeter>,
    gate: Option<Arc<Gate>>,
    config: Arc<Config>,
    /// What each mail transaction is told of the client.
    facts: Facts,
    /// Whether the peer may use XCLIENT.
    may_xclient: bool,
    commands: CommandDecoder,
    /// A command that waits until the earlier ones are answered.
    held: Option<Parsed>,
    state: State,
    replies: Replies,
    driver: Option<Driver>,
    message: Message,
    tallies: Tallies,
    /// The errors of all clients, across connections.
    errors: Arc<Errors>,
    /// How long the next command has to wait.
    penance: Duration,
    /// Counts the turns of the waiting loop.
    turns: Passes,
    /// Since when the server has waited for the client's next command.
    resting_since: Option<Instant>,
    stop: Stop,
    /// Whether the server has begun to stop.
    stopping: Watch,
    /// When the time for the session is up.
    deadline: Instant,
    /// The permit of the client, where connections are counted.
    permit: Option<Permit>,
}

impl<IO, M> Session<IO, M>
where
    IO: Upgrade,
    M: MakeMailService,
{
    /// A session with a connected client; `input` was already read from it.
    pub(super) fn new(
        server: &Server<M>,
        io: IO,
        input: BytesMut,
        connected: &Connected,
        stop: Stop,
    ) -> Self {
        let config = Arc::clone(&server.config);
        let facts = Facts::new(&config, connected);
        let may_xclient = config.may_xclient(connected.remote_host);
        let abilities = abilities(
            server.gate.as_deref(),
            &config,
            io.is_upgradable(),
            facts.context(),
            may_xclient,
        );
        Self {
            state: State::new(Offer::of(&config.limits, abilities))
                .with_protocol(config.protocol)
                .with_tls_needed(config.is_tls_required && connected.tls.is_none())
                .with_identity_needed(config.is_auth_required && connected.identity.is_none()),
            connection: Connection::new(io, input, config.timeouts.write),
            make: Arc::clone(&server.make),
            greeter: server.greeter.clone(),
            gate: server.gate.clone(),
            facts,
            may_xclient,
            commands: CommandDecoder::new(config.limits.command_line),
            held: None,
            replies: Replies::default(),
            driver: None,
            message: Message::new(config.bare_line_ends),
            tallies: Tallies::default(),
            errors: Arc::clone(&server.errors),
            penance: Duration::ZERO,
            turns: Passes::new(),
            resting_since: None,
            stopping: stop.watch_begun(),
            stop,
            deadline: Instant::now() + config.timeouts.session,
            config,
            permit: None,
        }
    }

    /// The same session; it holds the permit until its end.
    pub(super) fn with_permit(mut self, permit: Permit) -> Self {
        self.permit = Some(permit);
        self
    }

    /// Serves the client until either side ends the session, and holds `held` for as long. This is
    /// the future of a whole task.
    pub(super) async fn run<H>(mut self, held: H) {
        let _held = held;
        let mut over = self.stop.watch_over();
        let end = tokio::select! {
            biased;
            result = self.serve() => {
                let Err(end) = result;
                end
            }
            () = over.happened() => End::Stopped,
        };
        // A transaction that has not been completed by now is aborted.
        self.driver = None;
        tracing::debug!(?end, "session ended");
        let (last, may_have_sent_more) = match end {
            _ if self.connection.is_upgrading() => return,
            End::Gone => return,
            End::HungUp => (None, false),
            End::Quit => (Some(Reply::closing()), false),
            // A command may be on its way, also between transactions.
            End::Stopped => (Some(Reply::service_closing()), true),
            End::Closed(reply) => (Some(reply), true),
        };
        if let Some(last) = last {
            self.connection
                .reply(&last, self.state.has_enhanced_codes());
        }
        let close = self.connection.close(may_have_sent_more);
        let late = async {
            over.happened().await;
            sleep(LAST_WORDS).await;
        };
        // A client that has not read the last reply by then only sees the connection close.
        tokio::select! {
            biased;
            () = close => {}
            () = late => {}
        }
    }

    async fn serve(&mut self) -> Result<Infallible, End> {
        if self.stop.is_begun() {
            return Err(End::Stopped);
        }
        self.await_silence().await?;
        self.greet().await?;
        loop {
            while let Some(reply) = self.replies.pop_known() {
                self.send(reply)?;
            }
            match self.next_command()? {
                Some(command) if self.must_wait(&command) => {
                    self.held = Some(command);
                    self.wait().await?;
                }
                Some(command) => {
                    self.do_penance().await?;
                    self.execute(command).await?;
                }
                None => self.wait().await?,
            }
        }
    }

    fn next_command(&mut self) -> Result<Option<Parsed>, End> {
        if self.is_resting() && self.stop.is_begun() {
            return Err(End::Stopped);
        }
        if let Some(command) = self.held.take() {
            return Ok(Some(command));
        }
        if self.replies.is_full() {
            return Ok(None);
        }
        match self.commands.decode(self.connection.input_mut()) {
            None if self.connection.is_eof() && self.replies.is_empty() => Err(End::HungUp),
            None => Ok(None),
            command => {
                if let Some(since) = self.resting_since.take()
                    && self.state.is_amid_chunks()
                {
                    self.message.waited_for(since.elapsed());
                }
                Ok(command)
            }
        }
    }

    fn must_wait(&self, command: &Parsed) -> bool {
        !self.replies.is_empty() && State::must_wait(command)
    }

    /// Whether the client has no command or transaction under way.
    fn is_resting(&self) -> bool {
        self.state.is_idle() && self.replies.is_empty()
    }

    /// Waits for the next reply or for more input, whichever comes first.
    async fn wait(&mut self) -> Result<(), End> {
        let is_resting = self.is_resting();
        let is_blocked = self.held.is_some() || self.replies.is_full();
        let may_read =
            !self.connection.is_eof() && (!is_blocked || self.connection.may_read_ahead());
        let expected = match may_read {
            true => Expected::Commands,
            false => Expected::Nothing,
        };
        let deadline = self.patience();
        let stopping = match is_resting {
            true => Duration::ZERO,
            false => self.config.timeouts.stopping,
        };
        let client = Client {
            expected,
            deadline,
            stopping: self.replies.is_empty().then_some(stopping),
        };
        let next = self.wait_for(client, |driver, replies, cx| {
            replies.poll_next(driver.as_mut(), cx)
        });
        match next.await? {
            Event::Upstream((answered, reply)) => self.answered(answered, reply).await,
            Event::Client => Ok(()),
        }
    }

    /// Until when to wait for the client: the limit is for a whole command, not for its next octet.
    fn patience(&mut self) -> Instant {
        if !self.replies.is_empty() {
            // The client is waiting for the server.
            self.resting_since = None;
            return self.deadline;
        }
        let since = *self.resting_since.get_or_insert_with(Instant::now);
        let mut patience = self.config.timeouts.command;
        if self.state.is_amid_chunks() {
            patience = patience.min(self.message.patience(&self.config));
        }
        self.deadline.min(since + patience)
    }

    async fn answered(&mut self, answered: Answered, reply: Reply) -> Result<(), End> {
        if answered == Answered::Rcpt && self.config.protocol.is_lmtp() {
            self.message.recipient_answered(reply.is_positive());
        }
        match answered {
            Answered::Mail if !reply.is_positive() => {
                self.close_transaction();
                self.mail_refused();
                self.replies.settle(&Reply::bad_sequence());
            }
            Answered::Rcpt if reply.is_positive() => {
                self.state.recipient_accepted();
                self.tallies.recipient_accepted();
            }
            Answered::Rcpt if reply.is_permanent() => {
                self.recipient_refused().await?;
            }
            Answered::Mail | Answered::Rcpt => {}
        }
        self.send(reply)
    }

    async fn execute(&mut self, command: Parsed) -> Result<(), End> {
        match self.state.decide(command, &self.config.limits) {
            Action::Hello(name) => self.hello(name).await,
            Action::Mail(mail) => self.mail(mail),
            Action::RefuseMail(reply) => {
                self.mail_refused();
                self.answer(reply, Tally::Error)
            }
            Action::Rcpt(rcpt) => self.rcpt(rcpt).await,
            Action::Data => self.receive_message().await,
            Action::Bdat { size, is_last } => self.receive_chunk(size, is_last).await,
            Action::Discard {
                size,
                is_last,
                reply,
                tally,
                fails,
            } => {
                if fails {
                    self.close_transaction();
                    self.state.chunk_failed(reply.clone());
                }
                self.discard_chunk(size).await?;
                match self.state.chunk_discarded(is_last) {
                    true => self.answer_failed(reply, tally),
                    false => self.answer(reply, tally),
                }
            }
            Action::StartTls => self.start_tls().await,
            Action::Xclient(xclient) => self.xclient(&xclient).await,
            Action::Authenticate(mechanism, initial) => {
                // What is rare is boxed, so that a session is no larger than it need be.
                Box::pin(self.authenticate(mechanism, &initial)).await
            }
            Action::Reset => {
                self.close_transaction();
                self.answer(Reply::ok(), Tally::Idle)
            }
            Action::Answer(reply, tally) => self.answer(reply, tally),
            Action::Close(reply) => Err(End::Closed(reply)),
            Action::Quit => Err(End::Quit),
        }
    }

    /// Answers a command when its turn comes.
    fn answer(&mut self, reply: Reply, tally: Tally) -> Result<(), End> {
        self.count(tally)?;
        if self.replies.is_empty() {
            return self.send(reply);
        }
        self.replies.push(reply);
        Ok(())
    }

    /// Sends the reply to the command whose turn it is.
    fn send(&mut self, reply: Reply) -> Result<(), End> {
        self.say(&reply, self.state.has_enhanced_codes())
    }

    fn say(&mut self, reply: &Reply, with_enhanced: bool) -> Result<(), End> {
        if reply.closes_connection() {
            return Err(End::Closed(reply.clone()));
        }
        self.connection.reply(reply, with_enhanced);
        Ok(())
    }

    /// Ends the transaction; if it has not ended by itself, that aborts it.
    fn close_transaction(&mut self) {
        self.driver = None;
        self.state.closed();
    }
}
